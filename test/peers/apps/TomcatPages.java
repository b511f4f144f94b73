import java.nio.file.Files;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;

/** Tomcat, embedded; further arguments, name=value, are attributes of its connector. */
public class TomcatPages {
    public static void main(String[] arguments) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(Files.createTempDirectory(java.nio.file.Path.of(arguments[0]), "tomcat").toString());
        Connector connector = new Connector();
        connector.setProperty("address", "127.0.0.1");
        connector.setPort(Integer.parseInt(arguments[1]));
        for (int at = 2; at < arguments.length; at++) {
            String[] attribute = arguments[at].split("=");
            connector.setProperty(attribute[0], attribute[1]);
        }
        tomcat.setConnector(connector);
        Context context = tomcat.addContext("", null);
        Tomcat.addServlet(context, "pages", new Pages());
        context.addServletMappingDecoded("/", "pages");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                tomcat.stop();
            } catch (Exception failed) {
                throw new IllegalStateException(failed);
            }
        }));
        tomcat.start();
        tomcat.getServer().await();
    }
}
