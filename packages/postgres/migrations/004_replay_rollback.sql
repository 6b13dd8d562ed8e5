COMMENT ON COLUMN windrow.replay.state IS
  'staging: no row is changed; staged: the new rows lie beside the tables; swapping: Postgres has some of them, and until the lake has committed them the replay can be cancelled; done; cancelled';
