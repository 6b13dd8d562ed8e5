ALTER TABLE curated.track_event
  ADD COLUMN group_id    text,
  ADD COLUMN previous_id text,
  ADD COLUMN _quality    jsonb,
  ADD COLUMN _extra      jsonb;

COMMENT ON COLUMN curated.track_event.group_id IS 'The group of the user: group messages';
COMMENT ON COLUMN curated.track_event.previous_id IS 'The earlier id of the user: alias messages';
COMMENT ON COLUMN curated.track_event._quality IS
  'Values that were replaced by null, or are doubtful: a list of {field, reason, value}; null for nearly all rows';
COMMENT ON COLUMN curated.track_event._extra IS 'Values that no column takes, under their own names';
