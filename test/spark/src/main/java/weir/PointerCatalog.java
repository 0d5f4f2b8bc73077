package weir;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.BaseMetastoreCatalog;
import org.apache.iceberg.BaseMetastoreTableOperations;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableOperations;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.hadoop.HadoopFileIO;
import org.apache.iceberg.io.FileIO;

/** Tables by the folders that they stand in: the file `pointer.json` of each names its metadata. */
public final class PointerCatalog extends BaseMetastoreCatalog {
  private static final ObjectMapper JSON = new ObjectMapper();
  private final FileIO io = new HadoopFileIO(new Configuration());

  @Override
  public void initialize(String name, Map<String, String> properties) {}

  @Override
  protected TableOperations newTableOps(TableIdentifier table) {
    return new Pointer(Path.of(table.name()));
  }

  @Override
  protected String defaultWarehouseLocation(TableIdentifier table) {
    return table.name();
  }

  @Override
  public List<TableIdentifier> listTables(Namespace namespace) {
    throw new UnsupportedOperationException("tables are known by their folders");
  }

  @Override
  public boolean dropTable(TableIdentifier table, boolean purge) {
    throw new UnsupportedOperationException("tables stay");
  }

  @Override
  public void renameTable(TableIdentifier from, TableIdentifier to) {
    throw new UnsupportedOperationException("tables keep their folders");
  }

  private final class Pointer extends BaseMetastoreTableOperations {
    private final Path folder;
    private final Path file;

    Pointer(Path folder) {
      this.folder = folder;
      this.file = folder.resolve("pointer.json");
    }

    @Override
    protected String tableName() {
      return folder.toString();
    }

    @Override
    public FileIO io() {
      return io;
    }

    @Override
    protected void doRefresh() {
      if (Files.exists(file)) refreshFromMetadataLocation(read().get("metadataLocation").asText());
      else disableRefresh();
    }

    @Override
    protected void doCommit(TableMetadata base, TableMetadata metadata) {
      String location = writeNewMetadataIfRequired(base == null, metadata);
      JsonNode entry = read();
      if (!entry.get("metadataLocation").asText().equals(base.metadataFileLocation())) {
        throw new CommitFailedException("the table was changed meanwhile");
      }
      long version = Long.parseLong(entry.get("version").asText()) + 1;
      Map<String, String> next =
          Map.of("metadataLocation", location, "version", String.valueOf(version));
      try {
        Path temporary = folder.resolve("pointer.json.new");
        Files.writeString(temporary, JSON.writeValueAsString(next));
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException cause) {
        throw new UncheckedIOException(cause);
      }
    }

    private JsonNode read() {
      try {
        return JSON.readTree(Files.readString(file));
      } catch (IOException cause) {
        throw new UncheckedIOException(cause);
      }
    }
  }
}
