import java.net.InetSocketAddress;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.ContextHandler;
import software.amazon.dynamodb.services.local.server.LocalDynamoDBRequestHandler;
import software.amazon.dynamodb.services.local.server.LocalDynamoDBServerHandler;

/**
 * Serves DynamoDB Local, in memory, to this machine only: its own main class
 * listens on all addresses. Prints the port, and exits when its standard input
 * ends, so that it does not outlive the process that started it.
 */
class Loopback {
    static final Logger SQLITE = Logger.getLogger("com.almworks.sqlite4java");

    public static void main(String[] args) throws Exception {
        SQLITE.setLevel(Level.WARNING);
        var engine = new LocalDynamoDBRequestHandler(0, true, null, false, false);
        var server = new Server(new InetSocketAddress("127.0.0.1", 0));
        server.setHandler(new ContextHandler(new LocalDynamoDBServerHandler(engine, null)));
        server.start();
        System.out.println(((ServerConnector) server.getConnectors()[0]).getLocalPort());
        while (System.in.read() >= 0) {
            // What is sent is ignored.
        }
        Runtime.getRuntime().halt(0);
    }
}
