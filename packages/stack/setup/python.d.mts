type Ask = (command: string, args: string[]) => string | undefined;

export function findPython(ask?: Ask): string | undefined;
export function reasonWithoutPython(ask?: Ask): string | undefined;
