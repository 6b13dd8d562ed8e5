import type { PartName, StackEndpoints, StackPaths } from '../state.ts';

/** What a part gets to know of the stack that it is started in. */
export interface PartContext {
  paths: StackPaths;
  /** By the names of `portNames`. */
  ports: Record<string, number>;
  /** This part's own directory for data; removed when the stack starts, kept when the part restarts. */
  dataDir: string;
  /** Made for this stack; whoever knows it can reach the parts that ask for a password. */
  password: string;
}

/** How a part is run. `before` are commands that must end well first, one after the other, such as formatting a disk. */
export interface Launch {
  before: string[][];
  command: string[];
  env: Record<string, string>;
  cwd: string;
}

/** One part of the stack. It knows how to be run and asked; the supervisor owns its process, its log and its ports. */
export interface Part {
  name: PartName;
  portNames: string[];
  /** What to send so that it stops fast and cleanly. */
  stopSignal: NodeJS.Signals;
  /** Whether a restart of this part alone finds its data again. */
  keepsData: boolean;
  /** What is not installed, or undefined. */
  missing(): string | undefined;
  launch(context: PartContext): Promise<Launch>;
  /** One attempt at the real thing, not just at the port; throws while the part is not ready. */
  check(context: PartContext): Promise<void>;
  endpoints(context: PartContext): StackEndpoints;
}

/** The one address that anything of the stack listens on. */
export const loopback = '127.0.0.1';
