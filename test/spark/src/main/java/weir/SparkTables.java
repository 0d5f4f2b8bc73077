package weir;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Spark with iceberg-java over tables that stand in files. One JSON request per line on stdin, one JSON answer per line on
 * stdout.
 */
public final class SparkTables {
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    // What libraries print is none of the answers.
    System.setOut(System.err);
    SparkSession spark =
        SparkSession.builder()
            .master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.shuffle.partitions", "1")
            .config(
                "spark.sql.extensions",
                "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
            .config("spark.sql.catalog.files", "org.apache.iceberg.spark.SparkCatalog")
            .config("spark.sql.catalog.files.catalog-impl", "weir.PointerCatalog")
            .config("spark.sql.catalog.files.cache-enabled", "false")
            .getOrCreate();
    BufferedReader requests =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      ObjectNode answer = JSON.createObjectNode();
      try {
        JsonNode request = JSON.readTree(line);
        String table = "files.tables.`" + request.get("folder").asText() + "`";
        List<Row> rows = List.of();
        for (JsonNode statement : request.get("statements")) {
          rows = spark.sql(statement.asText().replace("{table}", table)).collectAsList();
        }
        ArrayNode all = answer.putArray("rows");
        for (Row row : rows) {
          ArrayNode values = all.addArray();
          for (int at = 0; at < row.size(); at++) {
            values.add(row.isNullAt(at) ? null : row.get(at).toString());
          }
        }
      } catch (Throwable error) {
        List<String> causes = new ArrayList<>();
        for (Throwable one = error; one != null; one = one.getCause()) causes.add(one.toString());
        answer.put("error", String.join(" / ", causes));
      }
      out.println(JSON.writeValueAsString(answer));
    }
    spark.stop();
  }
}
