import type { TableConstructorOptions } from 'cli-table3';

/** Without lines and colours: it reads well, greps well and goes through a pipe. `right`: columns of numbers. */
export function plainTable(head: string[], right: number[] = []): TableConstructorOptions {
  const none = '';
  return {
    head,
    colAligns: head.map((_, column) => (right.includes(column) ? 'right' : 'left')),
    chars: {
      top: none,
      'top-mid': none,
      'top-left': none,
      'top-right': none,
      bottom: none,
      'bottom-mid': none,
      'bottom-left': none,
      'bottom-right': none,
      left: none,
      'left-mid': none,
      mid: none,
      'mid-mid': none,
      right: none,
      'right-mid': none,
      middle: '  ',
    },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  };
}

/** `27,004` */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1.4 MB` */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
