CREATE SCHEMA IF NOT EXISTS windrow;
-- Curated tables are made by their streams, in any order.
CREATE SCHEMA IF NOT EXISTS curated;

CREATE TABLE windrow.sink_offset (
  topic       text        NOT NULL,
  partition   integer     NOT NULL,
  next_offset bigint      NOT NULL,
  rows        bigint      NOT NULL DEFAULT 0,
  rejected    bigint      NOT NULL DEFAULT 0,
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, partition)
  -- Updated with every micro-batch: room on the page keeps the updates from growing the index.
) WITH (fillfactor = 50);

COMMENT ON TABLE windrow.sink_offset IS
  'How far the Postgres sink is, by Kafka partition; moved on in the transaction that writes the rows';
COMMENT ON COLUMN windrow.sink_offset.next_offset IS
  'All records before this offset are in the curated tables, are dead letters, or were never accepted';
COMMENT ON COLUMN windrow.sink_offset.rows IS
  'Accepted events applied so far. Counts events, not table rows: one that the table had already, or that replaced another, counts too';
COMMENT ON COLUMN windrow.sink_offset.rejected IS
  'Accepted events that Postgres refused; each is a dead letter with stage postgres. rows + rejected = accepted by the enricher';
