/** What starts a browser of Chromium's family, a command or a path; undefined where there is none. */
export function findBrowser(): string | undefined;
