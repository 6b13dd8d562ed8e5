import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Posts one event to track.raw with Kafka's own client. Needs KAFKA_BROKERS and SCHEMA_REGISTRY_URL. */
public final class Produce {
  private static final String TOPIC = "track.raw";

  public static void main(String[] args) throws Exception {
    JsonNode latest = latestSchema(System.getenv("SCHEMA_REGISTRY_URL"));
    Schema schema = new Schema.Parser().parse(latest.get("schema").asText());

    long now = System.currentTimeMillis();
    // The schema's other fields have defaults, which the builder sets.
    GenericRecord event =
        new GenericRecordBuilder(schema)
            .set("event_id", UUID.randomUUID().toString())
            .set("type", "track")
            .set("event_name", "Ride Started")
            .set("user_id", "rider-7")
            .set("occurred_at", now)
            .set("received_at", now)
            .set("city", "Zurich")
            .set("properties", "{\"from\":\"java\"}")
            .build();

    Map<String, Object> config =
        Map.of(
            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("KAFKA_BROKERS"),
            ProducerConfig.CLIENT_ID_CONFIG, "example-java",
            ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
    // Idempotence, acks=all and murmur2 of the key are this client's defaults.
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new ByteArraySerializer())) {
      byte[] value = encode(latest.get("id").asInt(), schema, event);
      var record = new ProducerRecord<>(TOPIC, event.get("user_id").toString(), value);
      RecordMetadata sent = producer.send(record).get();
      System.out.printf("{\"event_id\":\"%s\",\"partition\":%d}%n", event.get("event_id"), sent.partition());
    }
  }

  private static JsonNode latestSchema(String registryUrl) throws IOException, InterruptedException {
    URI address = URI.create(registryUrl + "/subjects/" + TOPIC + "-value/versions/latest");
    HttpResponse<String> answer =
        HttpClient.newHttpClient()
            .send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new IOException(address + " answered " + answer.statusCode() + ": " + answer.body());
    }
    return new ObjectMapper().readTree(answer.body());
  }

  /** The registry's wire format: a zero byte, the schema's id in four bytes, the Avro binary. */
  private static byte[] encode(int schemaId, Schema schema, GenericRecord event) throws IOException {
    var bytes = new ByteArrayOutputStream();
    var header = new DataOutputStream(bytes);
    header.writeByte(0);
    header.writeInt(schemaId);
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
    new GenericDatumWriter<GenericRecord>(schema).write(event, encoder);
    encoder.flush();
    return bytes.toByteArray();
  }
}
