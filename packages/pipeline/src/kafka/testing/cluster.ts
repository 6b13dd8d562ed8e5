import kafkajs, { type Admin } from 'kafkajs';

// What tests need of a cluster and no service does.

async function asAdmin<T>(brokers: string[], call: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  return call(admin).finally(() => admin.disconnect());
}

/** Deletes a topic's records as retention would. @param before partition → its new first offset; −1 stands for its end */
export function deleteRecords(
  brokers: string[],
  topic: string,
  before: ReadonlyMap<number, number>,
): Promise<void> {
  return asAdmin(brokers, async (admin) => {
    // Loads the topic's metadata, without which kafkajs finds no leader.
    await admin.fetchTopicOffsets(topic);
    const partitions = [...before].map(([partition, offset]) => ({ partition, offset: String(offset) }));
    await admin.deleteTopicRecords({ topic, partitions });
  });
}

/** A consumer group's state by the protocol's name (such as `Stable`), and the number of its members. */
export function describeGroup(
  brokers: string[],
  groupId: string,
): Promise<{ state: string | undefined; members: number | undefined }> {
  return asAdmin(brokers, async (admin) => {
    const [group] = (await admin.describeGroups([groupId])).groups;
    return { state: group?.state, members: group?.members.length };
  });
}
