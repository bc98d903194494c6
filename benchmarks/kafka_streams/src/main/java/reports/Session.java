package reports;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One txid: its items as JSON text by IMEI, and the devices that it was asked for. */
final class Session {
  private final Map<String, String> usage = new LinkedHashMap<>();
  private final Map<String, String> errors = new LinkedHashMap<>();
  private final List<String> expected = new ArrayList<>();
  private long numberOfSessions;
  private long bytesTransferred;

  /** Adds a callback or an expectation. */
  void add(JsonNode record) {
    for (JsonNode item : record.path("usage")) {
      if (usage.put(item.path("imei").asText(), item.toString()) == null) {
        numberOfSessions += item.path("numberOfSessions").asLong();
        bytesTransferred += item.path("bytesTransferred").asLong();
      }
    }
    for (JsonNode item : record.path("errors")) {
      errors.put(item.path("imei").asText(), item.toString());
    }
    for (JsonNode imei : record.path("imei")) {
      expected.add(imei.asText());
    }
  }

  /** Whether every expected device is in, or as many as the limit says. */
  boolean isComplete(int deviceLimit) {
    int devices = usage.size() + errors.size();
    if (expected.isEmpty()) {
      return deviceLimit > 0 && devices == deviceLimit;
    }
    return devices >= expected.size()
        && expected.stream().allMatch(imei -> usage.containsKey(imei) || errors.containsKey(imei));
  }

  /** The report, as JSON. */
  byte[] report(String txid) {
    String text =
        "{\"txid\":\"" + txid + "\",\"usage\":[" + String.join(",", usage.values())
            + "],\"errors\":[" + String.join(",", errors.values())
            + "],\"summary\":{\"numberOfSessions\":" + numberOfSessions
            + ",\"bytesTransferred\":" + bytesTransferred + "}}";
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** As it lies in the store. */
  byte[] toBytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeLong(numberOfSessions);
      out.writeLong(bytesTransferred);
      for (Map<String, String> items : List.of(usage, errors)) {
        out.writeInt(items.size());
        for (Map.Entry<String, String> item : items.entrySet()) {
          out.writeUTF(item.getKey());
          out.writeUTF(item.getValue());
        }
      }
      out.writeInt(expected.size());
      for (String imei : expected) {
        out.writeUTF(imei);
      }
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    return bytes.toByteArray();
  }

  /** What {@link #toBytes} made; null is none. */
  static Session of(byte[] bytes) {
    if (bytes == null) {
      return null;
    }
    Session session = new Session();
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      session.numberOfSessions = in.readLong();
      session.bytesTransferred = in.readLong();
      for (Map<String, String> items : List.of(session.usage, session.errors)) {
        for (int left = in.readInt(); left > 0; left--) {
          items.put(in.readUTF(), in.readUTF());
        }
      }
      for (int left = in.readInt(); left > 0; left--) {
        session.expected.add(in.readUTF());
      }
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    return session;
  }
}
