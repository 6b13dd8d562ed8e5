import { isUtf8 } from 'node:buffer';
import { createWriteStream, type WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { WindrowError } from '@windrow/runtime';

/** A row that was rejected, as `--rejects` keeps it. */
export interface RejectedRow {
  file: string;
  line: number;
  reason: string;
  /** With file and line. */
  message: string;
  text: Buffer;
}

/** So many rejections are told while the load runs. All of them are counted. */
const toldRows = 5;

/** Tells the first rejected rows of a load, and keeps all of them in a file. */
export class Rejects {
  readonly #path: string | undefined;
  readonly #note: (line: string) => void;
  #stream: WriteStream | undefined;
  #failure: Error | undefined;
  #told = 0;

  /** @throws WindrowError FILE_UNWRITABLE if the file can't be written */
  static async open(path: string | undefined, note: (line: string) => void): Promise<Rejects> {
    const rejects = new Rejects(path, note);
    if (path !== undefined) await rejects.#open(path);
    return rejects;
  }

  private constructor(path: string | undefined, note: (line: string) => void) {
    this.#path = path;
    this.#note = note;
  }

  async #open(path: string): Promise<void> {
    try {
      // Refused now, and not after hours of loading.
      await (await open(path, 'w')).close();
    } catch (error) {
      throw this.#unwritable(error);
    }
    this.#stream = createWriteStream(path);
    this.#stream.on('error', (error) => {
      this.#failure ??= error;
    });
  }

  tell({ message, reason }: RejectedRow): void {
    this.#told += 1;
    if (this.#told <= toldRows) this.#note(`rejected: ${message} (${reason})`);
    if (this.#told === toldRows) this.#note('more rejected rows are only counted; --rejects FILE keeps them');
  }

  keep({ file, line, reason, message, text }: RejectedRow): void {
    const row = { file, line, reason, message, text: text.toString('utf8') };
    const bytes = isUtf8(text) ? undefined : text.toString('base64');
    this.#stream?.write(`${JSON.stringify({ ...row, base64: bytes })}\n`);
  }

  /** Fulfilled when all of it is on the disk. @throws WindrowError FILE_UNWRITABLE */
  async close(): Promise<void> {
    const stream = this.#stream;
    if (stream && !this.#failure) await finished(stream.end()).catch(() => undefined);
    if (this.#failure) throw this.#unwritable(this.#failure);
  }

  #unwritable(error: unknown): WindrowError {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `${this.#path} can't be written, where the rejected rows are to be kept: ${reason}`;
    return new WindrowError('FILE_UNWRITABLE', message, { cause: error });
  }
}
