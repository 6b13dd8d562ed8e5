/** A step from a JSON value into it: the name of a field, or each element of an array. */
export type PathStep = { name: string } | 'each';

/** A path such as `features[*].properties`; undefined if the text is none. A leading `$.` is allowed. */
export function recordPath(text: string): PathStep[] | undefined {
  const steps: PathStep[] = [];
  const step = /(?:^|\.)([^.[\]*"]+)|\[\*\]|\["([^"]+)"\]/y;
  const path = text.replace(/^\$\.?/, '');
  while (step.lastIndex < path.length) {
    const [found, plain, quoted] = step.exec(path) ?? [];
    if (found === undefined) return undefined;
    const name = plain ?? quoted;
    steps.push(name === undefined ? 'each' : { name });
  }
  // Each element of an array at the top is a record already.
  if (steps[0] === 'each') steps.shift();
  return steps.length > 0 ? steps : undefined;
}

export function pathText(steps: readonly PathStep[]): string {
  return steps.reduce<string>((text, step) => {
    if (step === 'each') return `${text}[*]`;
    if (!/^[^.[\]*"]+$/.test(step.name)) return `${text}["${step.name}"]`;
    return text === '' ? step.name : `${text}.${step.name}`;
  }, '');
}
