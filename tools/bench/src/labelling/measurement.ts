/** What labelling some texts took, and what came out. */
export interface Measurement {
  /** CPU time of the program's process, all its threads, from strings in memory to labels. */
  readonly cpuSeconds: number;
  /** Of each text: the first label's logit less the second's. */
  readonly logOdds: readonly number[];
}

/** Of several measurements, in the order of their texts. */
export function together(measurements: readonly Measurement[]): Measurement {
  return {
    cpuSeconds: measurements.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    logOdds: measurements.flatMap(({ logOdds }) => logOdds),
  };
}

export function documentsPerCpuSecond({ cpuSeconds, logOdds }: Measurement): number {
  return logOdds.length / cpuSeconds;
}
