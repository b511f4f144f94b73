/** The variables of a process, or the bindings of a Worker, by name. */
export type Env = Readonly<Record<string, unknown>>
