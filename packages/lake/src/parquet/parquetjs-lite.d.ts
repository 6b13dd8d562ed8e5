/** Types for the part of parquetjs-lite 0.8 that writes flat tables; the package has no types. */
declare module 'parquetjs-lite' {
  export interface FieldDefinition {
    readonly type:
      | 'BOOLEAN'
      | 'BYTE_ARRAY'
      | 'DATE'
      | 'DOUBLE'
      | 'FLOAT'
      | 'INT32'
      | 'INT64'
      | 'TIMESTAMP_MICROS'
      | 'UTF8';
    readonly optional: boolean;
    readonly compression: 'SNAPPY';
    /** False leaves the column without statistics. */
    readonly statistics: boolean;
  }

  class ParquetSchema {
    constructor(fields: Readonly<Record<string, FieldDefinition>>);
  }

  /** The methods of a stream that the writer calls. */
  export interface ByteSink {
    write(bytes: Uint8Array, done: (error?: Error) => void): void;
    end(done: (error?: Error) => void): void;
  }

  export interface WriterOptions {
    readonly pageIndex: false;
    /** In rows. */
    readonly pageSize: number;
    /** In rows. */
    readonly rowGroupSize: number;
  }

  class ParquetWriter {
    static openStream(schema: ParquetSchema, sink: ByteSink, options: WriterOptions): Promise<ParquetWriter>;
    appendRow(row: Readonly<Record<string, unknown>>): Promise<void>;
    close(): Promise<void>;
  }

  /** A CommonJS module: its exports are properties of the default import. */
  const parquetjs: {
    readonly ParquetSchema: typeof ParquetSchema;
    readonly ParquetWriter: typeof ParquetWriter;
  };

  export type { ParquetSchema };
  export default parquetjs;
}
