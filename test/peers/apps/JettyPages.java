import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.ServletHandler;

/** Jetty, embedded; a further argument is the least rate of a body in bytes a second. */
public class JettyPages {
    public static void main(String[] arguments) throws Exception {
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        connector.setPort(Integer.parseInt(arguments[0]));
        if (arguments.length > 1) {
            connector.getConnectionFactory(HttpConnectionFactory.class).getHttpConfiguration()
                .setMinRequestDataRate(Long.parseLong(arguments[1]));
        }
        server.addConnector(connector);
        ServletHandler pages = new ServletHandler();
        pages.addServletWithMapping(Pages.class, "/*");
        server.setHandler(pages);
        server.setStopAtShutdown(true);
        server.start();
        server.join();
    }
}
