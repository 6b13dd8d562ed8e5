/** The name in a form that is equal for names which differ only in case, in spaces, or in the form of composed characters. */
export function foldedName(name: string): string {
  // Upper case first: it expands letters such as ß, which have no lower case of two letters.
  return name.trim().replaceAll(/\s+/g, ' ').toUpperCase().toLowerCase().normalize('NFC');
}
