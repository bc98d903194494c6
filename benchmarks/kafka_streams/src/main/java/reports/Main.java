package reports;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * Callbacks in, one report per txid out, on Kafka Streams with exactly_once_v2.
 *
 * <p>By the Processor API, so that a complete txid can be deleted from the store. Arguments are
 * {@code name=value}; see benchmarks/contenders/kafka_streams.py.
 */
public final class Main {
  private static final String STORE = "sessions";

  public static void main(String[] arguments) {
    Properties given = new Properties();
    for (String argument : arguments) {
      String[] pair = argument.split("=", 2);
      given.setProperty(pair[0], pair[1]);
    }
    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(given.getProperty("callbacks"), Consumed.with(Serdes.String(), Serdes.ByteArray()))
        .process(aggregator(store(given), Integer.parseInt(given.getProperty("device-limit"))))
        .to(given.getProperty("reports"), Produced.with(Serdes.String(), Serdes.ByteArray()));

    KafkaStreams streams = new KafkaStreams(builder.build(), settings(given));
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          Runtime.getRuntime().halt(1);
          return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
        });
    streams.start();
  }

  private static Properties settings(Properties given) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, given.getProperty("name"));
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, given.getProperty("servers"));
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, given.getProperty("commit-interval-ms"));
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, given.getProperty("threads"));
    settings.put(StreamsConfig.STATE_DIR_CONFIG, given.getProperty("folder"));
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L * 1024 * 1024);
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    settings.put(StreamsConfig.producerPrefix("compression.type"), "lz4");
    settings.put(StreamsConfig.producerPrefix("batch.size"), 262_144);
    return settings;
  }

  private static StoreBuilder<KeyValueStore<String, Session>> store(Properties given) {
    StoreBuilder<KeyValueStore<String, Session>> store =
        Stores.keyValueStoreBuilder(
            given.getProperty("store").equals("rocksdb")
                ? Stores.persistentKeyValueStore(STORE)
                : Stores.inMemoryKeyValueStore(STORE),
            Serdes.String(),
            Serdes.serdeFrom(
                (topic, session) -> session == null ? null : session.toBytes(),
                (topic, bytes) -> Session.of(bytes)));
    store = store.withLoggingEnabled(Map.of());
    return Boolean.parseBoolean(given.getProperty("cached"))
        ? store.withCachingEnabled()
        : store.withCachingDisabled();
  }

  private static ProcessorSupplier<String, byte[], String, byte[]> aggregator(
      StoreBuilder<KeyValueStore<String, Session>> store, int deviceLimit) {
    return new ProcessorSupplier<>() {
      @Override
      public Processor<String, byte[], String, byte[]> get() {
        return new Aggregator(deviceLimit);
      }

      @Override
      public Set<StoreBuilder<?>> stores() {
        return Set.of(store);
      }
    };
  }

  private static final class Aggregator implements Processor<String, byte[], String, byte[]> {
    private final ObjectMapper json = new ObjectMapper();
    private final int deviceLimit;
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, Session> sessions;

    Aggregator(int deviceLimit) {
      this.deviceLimit = deviceLimit;
    }

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
      this.context = context;
      this.sessions = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<String, byte[]> record) {
      String txid = record.key();
      Session session = sessions.get(txid);
      if (session == null) {
        session = new Session();
      }
      try {
        session.add(json.readTree(record.value()));
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
      if (session.isComplete(deviceLimit)) {
        sessions.delete(txid);
        context.forward(record.withValue(session.report(txid)));
      } else {
        sessions.put(txid, session);
      }
    }
  }

  private Main() {}
}
