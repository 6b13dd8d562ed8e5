-- An observation without a temperature keeps its other values.
ALTER TABLE curated.weather_observation
  ALTER COLUMN temperature_c DROP NOT NULL,
  ADD COLUMN _quality jsonb,
  ADD COLUMN _extra   jsonb;

COMMENT ON COLUMN curated.weather_observation._quality IS
  'Values that were replaced by null, or are doubtful: a list of {field, reason, value}; null for nearly all rows';
COMMENT ON COLUMN curated.weather_observation._extra IS 'Values that no column takes, under their own names';
