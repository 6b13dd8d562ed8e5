-- Events that are not accepted are called rejected everywhere, also in the counts of replays.
UPDATE windrow.replay SET counts = (counts - 'refused') || jsonb_build_object('rejected', counts->'refused') WHERE counts ? 'refused';

COMMENT ON TABLE windrow.replay_withdrawn IS
  'Events that were accepted, and that a replay has rejected by later rules: they are dead letters. A later replay may restore them';
COMMENT ON COLUMN windrow.sink_offset.rejected IS
  'Accepted events that Postgres rejected; each is a dead letter with stage postgres. rows + rejected = accepted by the enricher';
