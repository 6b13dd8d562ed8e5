ALTER TABLE windrow.sink_offset ADD COLUMN replayed bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN windrow.sink_offset.replayed IS
  'What replays have added to the rows, less what they have taken from them; rows has it included. rows + rejected − replayed = accepted by the enricher';

CREATE TABLE windrow.replay (
  id                  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream              text        NOT NULL,
  target              text        NOT NULL CHECK (target IN ('lake', 'postgres', 'both')),
  state               text        NOT NULL CHECK (state IN ('staging', 'staged', 'swapping', 'done', 'cancelled')),
  selection           jsonb       NOT NULL,
  ranges              jsonb       NOT NULL,
  landed              jsonb       NOT NULL,
  started_by          text        NOT NULL,
  started_at          timestamptz NOT NULL DEFAULT now(),
  finished_at         timestamptz,
  windrow_version     text        NOT NULL,
  contract_hash       text        NOT NULL,
  lake_epoch          bigint,
  lake_staged         jsonb,
  lake_version_before bigint      NOT NULL,
  lake_version        bigint,
  swapped_until       timestamptz,
  counts              jsonb       NOT NULL DEFAULT '{}'
);

COMMENT ON TABLE windrow.replay IS 'Who has replayed what, when, with which contract, and what became of it: `windrow replay list`';
COMMENT ON COLUMN windrow.replay.selection IS 'What was asked for';
COMMENT ON COLUMN windrow.replay.ranges IS 'What that came to: offsets of the raw topic, to is exclusive';
COMMENT ON COLUMN windrow.replay.landed IS 'How far all had landed when it was planned; what came later is not part of it';
COMMENT ON COLUMN windrow.replay.state IS
  'staging: nothing is changed, and it can be cancelled; staged: the new rows lie beside the tables; swapping: some of them are in the tables, and it can only go on; done; cancelled';
COMMENT ON COLUMN windrow.replay.contract_hash IS 'SHA-256 of the files of the stream''s folder';
COMMENT ON COLUMN windrow.replay.lake_version_before IS 'Of the curated Delta table; the way back is: windrow lake restore';
COMMENT ON COLUMN windrow.replay.swapped_until IS 'The rows of Postgres before this event time are swapped';

CREATE TABLE windrow.replay_withdrawn (
  stream         text        NOT NULL,
  partition      integer     NOT NULL,
  raw_offset     bigint      NOT NULL,
  landed_offset  bigint      NOT NULL,
  ingested_at    timestamptz NOT NULL,
  PRIMARY KEY (stream, partition, raw_offset)
);
COMMENT ON TABLE windrow.replay_withdrawn IS
  'Events that were accepted, and that a replay with later rules has refused: they are dead letters. A later replay may bring them back';
