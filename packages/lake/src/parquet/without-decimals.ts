import type { FileMetaData, SchemaElement } from 'hyparquet';

/** Metadata with which hyparquet reads decimals as they are stored, as unscaled integers: it would round them to doubles. */
export function withoutDecimals(metadata: FileMetaData): FileMetaData {
  return { ...metadata, schema: metadata.schema.map(withoutDecimal) };
}

function withoutDecimal({ converted_type, logical_type, ...element }: SchemaElement): SchemaElement {
  if (converted_type === 'DECIMAL' || logical_type?.type === 'DECIMAL') return element;
  return { ...element, ...(converted_type && { converted_type }), ...(logical_type && { logical_type }) };
}
