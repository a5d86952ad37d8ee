/** What to do about a stack that cannot be asked, for whoever meets it. */

export function leftoverAdvice(directory: string, count: number): string {
  const left = count === 1 ? '1 process of it is' : `${count} processes of it are`;
  return `the supervisor of the stack on ${directory} was killed and ${left} left; \`meridian up\` ends them and starts anew, \`meridian down\` ends them`;
}

export function frozenAdvice(pid: number): string {
  return `the supervisor, pid ${pid}, is stopped (SIGSTOP); \`kill -CONT ${pid}\` lets it go on, \`meridian down --force\` kills it and ends its processes`;
}
