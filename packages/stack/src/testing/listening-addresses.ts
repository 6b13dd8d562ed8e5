import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The state LISTEN of sockets in `/proc/net/tcp`. */
const listen = '0A';

/**
 * Local addresses, without ports, of all TCP sockets that listen and belong to one of the processes: IPv4 with dots, IPv6 as
 * eight groups of four digits. Linux only: https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html
 */
export function listeningAddresses(pids: ReadonlySet<number>): string[] {
  const inodes = new Set([...pids].flatMap(socketsOf));
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    readFileSync(table, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => columns[3] === listen && inodes.has(columns[9] ?? ''))
      .map((columns) => addressOf(columns[1]?.split(':')[0] ?? '')),
  );
}

/** The inodes of the sockets that a process has open; none if it has ended meanwhile, as a Postgres backend may. */
function socketsOf(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return unlessGone(() => readdirSync(directory)).flatMap((fd) =>
    unlessGone(() => /^socket:\[(\d+)\]$/.exec(readlinkSync(`${directory}/${fd}`))?.slice(1) ?? []),
  );
}

function unlessGone(read: () => string[]): string[] {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return [];
    throw error;
  }
}

/** The kernel prints an address as 32-bit words in the byte order of the machine, which is little-endian here. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex').swap32();
  return bytes.length === 4 ? bytes.join('.') : (bytes.toString('hex').match(/.{4}/g) ?? []).join(':');
}
