import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

/** The pages of a peer that runs servlets. */
public class Pages extends HttpServlet {
    private static final byte[] CHUNK = new byte[65536];

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("text/plain");
        OutputStream out = response.getOutputStream();
        switch (request.getRequestURI()) {
            case "/":
                out.write("hello\n".getBytes());
                break;
            case "/slow":
                pause(request);
                out.write("slow\n".getBytes());
                break;
            case "/stream":
                out.write("first\n".getBytes());
                response.flushBuffer();
                pause(request);
                out.write("last\n".getBytes());
                break;
            case "/large":
                int left = Integer.parseInt(request.getParameter("bytes"));
                response.setContentLength(left);
                for (; left > 0; left -= CHUNK.length) out.write(CHUNK, 0, Math.min(left, CHUNK.length));
                break;
            case "/upload":
                InputStream in = request.getInputStream();
                long size = 0;
                byte[] part = new byte[65536];
                for (int read = in.read(part); read >= 0; read = in.read(part)) size += read;
                pause(request);
                out.write((size + "\n").getBytes());
                break;
            default:
                response.sendError(404);
        }
    }

    private static void pause(HttpServletRequest request) throws IOException {
        // Of the query alone: getParameter would read a body that is a form.
        String query = request.getQueryString();
        if (query == null || !query.startsWith("ms=")) return;
        try {
            Thread.sleep(Long.parseLong(query.substring(3)));
        } catch (InterruptedException interrupted) {
            throw new IOException(interrupted);
        }
    }
}
