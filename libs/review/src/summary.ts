import {
  type Evaluation,
  inUsd,
  type ModelManifest,
  type Reference,
  type RejectionReason,
  type RoundEvaluation,
  type RoundsEnd,
  type RoutingThreshold,
  type Spend,
  type Task,
} from '@llambert/domain';

/** What a labelling cost and how good it is: `summary.json`. Every figure of quality names its reference. */
export interface Summary {
  readonly task: string;
  readonly outcome: 'labelled' | 'no model';
  /** Why the rounds ended; null while they are open. */
  readonly roundsEnd: RoundsEnd | null;
  readonly documents: {
    readonly read: number;
    readonly labelled: number;
    readonly deadLetters: number;
    readonly auto: number;
    readonly review: number;
    /** Documents of which the student read only a part. */
    readonly truncated: number;
    /** Documents by label; of a multi-label task each label counts. */
    readonly byLabel: Readonly<Record<string, number>>;
  };
  readonly annotations: {
    readonly labelled: number;
    readonly rejected: number;
    readonly rejections: Readonly<Partial<Record<RejectionReason, number>>>;
    readonly teacher: string;
  };
  readonly cost: {
    readonly usd: number;
    /** Whether `usd` and the tokens are the most they can have been: a part of the calls is counted at its worst price. */
    readonly atMost: boolean;
    readonly capUsd: number;
    readonly calls: number;
    readonly inputTokens: number;
    readonly outputTokens: number;
    /** Calls whose tokens the server did not report, counted at their worst price. */
    readonly unmeasuredCalls: number;
    readonly unmeasuredUsd: number;
    /** Calls in flight at a crash, counted at their worst price. */
    readonly unknownOutcomes: number;
    readonly unknownUsd: number;
    /** What the teacher would have cost on every usable document, at the mean price of its calls; null: it made none. */
    readonly teacherOnAllUsd: number | null;
    /** Whether that is the most it would have cost: of no call the real price is known. */
    readonly teacherOnAllAtMost: boolean;
  };
  readonly model: {
    readonly digest: string;
    readonly student: string;
    /** Share of the encoder's logits where it decides together with a linear student; null: one student decides. */
    readonly encoderShare: number | null;
    readonly evaluations: readonly Evaluation[];
    readonly routing: RoutingThreshold;
    /** Unlabelled documents that it learned from under the labels of a first student; null: none were to be. */
    readonly pseudoLabelled: number | null;
    /** What each student of `auto` reached and cost; empty where only one was trained. */
    readonly students: readonly string[];
  } | null;
  /** What came of looking for wrong labels; absent where nobody looked (`student.likelyWrong: keep`), or there is no model. */
  readonly doubted?: {
    /** The teacher's labels that are likely wrong. */
    readonly labels: number;
    /** Those of them that `doubted.jsonl` lists, the most doubtful. */
    readonly listed: number;
    /** Documents that the teacher was asked about a second time. */
    readonly askedAgain: number;
    /** Those of them that it then labelled otherwise. */
    readonly changed: number;
  };
  /** The learning curve: after each round the agreement with what `reference` names; both null where there was no model to compare. */
  readonly rounds: readonly {
    readonly round: number;
    readonly annotations: number;
    readonly agreement: number | null;
    readonly reference: Reference | null;
    readonly reason: string;
  }[];
  /** Wall time by stage, of the process that finished the run: one that was interrupted before does not count. */
  readonly seconds: StageSeconds;
  readonly documentsPerSecond: number | null;
  /** What a reader must know before using the labels. */
  readonly warnings: readonly string[];
}

export interface SummaryFacts {
  readonly task: Task;
  readonly roundsEnd: RoundsEnd | null;
  readonly documents: Summary['documents'];
  /** Documents labelled by the process that finished the run. */
  readonly labelledNow: number;
  readonly answers: {
    readonly labelled: number;
    readonly rejections: Readonly<Partial<Record<RejectionReason, number>>>;
    readonly askedAgain: number;
    readonly changed: number;
  };
  readonly spend: Spend;
  readonly model: { digest: string; manifest: ModelManifest } | null;
  readonly evaluations: readonly RoundEvaluation[];
  /** Lines of `doubted.jsonl`. */
  readonly listedDoubts: number;
  /** Other settings, or other gold, of the same labelling whose models were looked at by certify gold before. */
  readonly earlierCertifications: number;
  readonly seconds: StageSeconds;
}

export interface StageSeconds {
  readonly reading: number;
  readonly learning: number;
  readonly labelling: number;
  readonly total: number;
}

/** Puts the facts of a finished loop in the order a manager asks for them. */
export function summarize(facts: SummaryFacts): Summary {
  const { spend, documents, seconds } = facts;
  const measuredCalls = spend.calls - spend.unknownOutcomes - spend.unmeasuredCalls;
  const meanPrice =
    measuredCalls > 0
      ? (spend.settled - spend.unknownCost - spend.unmeasuredCost) / measuredCalls
      : spend.unmeasuredCalls > 0
        ? spend.unmeasuredCost / spend.unmeasuredCalls
        : null;
  const rejected = Object.values(facts.answers.rejections).reduce((sum, count) => sum + count, 0);
  const doubted = doubtedOf(facts);
  return {
    task: facts.task.name,
    outcome: facts.model === null ? 'no model' : 'labelled',
    roundsEnd: facts.roundsEnd,
    documents,
    annotations: {
      labelled: facts.answers.labelled,
      rejected,
      rejections: facts.answers.rejections,
      teacher: facts.task.settings.teacher.model,
    },
    cost: {
      usd: inUsd(spend.settled + spend.reserved),
      atMost: spend.unmeasuredCost + spend.unknownCost > 0,
      capUsd: inUsd(spend.cap),
      calls: spend.calls,
      inputTokens: spend.inputTokens,
      outputTokens: spend.outputTokens,
      unmeasuredCalls: spend.unmeasuredCalls,
      unmeasuredUsd: inUsd(spend.unmeasuredCost),
      unknownOutcomes: spend.unknownOutcomes,
      unknownUsd: inUsd(spend.unknownCost),
      teacherOnAllUsd: meanPrice === null ? null : inUsd(meanPrice * (documents.read - documents.deadLetters)),
      teacherOnAllAtMost: measuredCalls === 0 && spend.unmeasuredCost > 0,
    },
    model:
      facts.model === null
        ? null
        : {
            digest: facts.model.digest,
            student: facts.model.manifest.student,
            encoderShare: facts.model.manifest.ensemble?.encoderShare ?? null,
            evaluations: facts.model.manifest.evaluations,
            routing: facts.model.manifest.routing,
            pseudoLabelled: facts.model.manifest.training.pseudoLabelled ?? null,
            students: facts.model.manifest.training.students?.split('; ') ?? [],
          },
    ...(doubted === null ? {} : { doubted }),
    rounds: facts.evaluations.map(({ round, annotations, agreement, reason }) => ({
      round,
      annotations,
      agreement: agreement?.accuracy ?? null,
      reference: agreement?.reference ?? null,
      reason,
    })),
    seconds,
    documentsPerSecond: facts.labelledNow <= 0 || seconds.labelling === 0 ? null : facts.labelledNow / seconds.labelling,
    warnings: warnings(facts, rejected),
  };
}

function doubtedOf({ model, listedDoubts, answers: { askedAgain, changed } }: SummaryFacts): NonNullable<Summary['doubted']> | null {
  const labels = model?.manifest.training.doubted;
  return labels === undefined ? null : { labels, listed: listedDoubts, askedAgain, changed };
}

/** Share of rejected samples from which on a reader should look into them. */
const notableRejections = 0.05;

function warnings(facts: SummaryFacts, rejected: number): string[] {
  const found: string[] = [];
  const asked = facts.answers.labelled + rejected;
  if (facts.model === null) found.push(`no model: ${facts.evaluations.at(-1)?.reason ?? 'no round was finished'}`);
  else found.push(...modelWarnings(facts.model.manifest), ...agreementFell(facts.evaluations));
  if (facts.model?.manifest.routing.certified === true && facts.earlierCertifications > 0) {
    found.push(
      `the same certify gold was looked at under ${facts.earlierCertifications} other settings, or with other gold to learn from, in this folder before: whoever chose these for what it said has a weaker guarantee than is stated`,
    );
  }
  const doubted = doubtedOf(facts);
  if (facts.task.settings.student.likelyWrong === 'ask-person' && doubted !== null && doubted.labels > 0) {
    found.push(
      `${doubted.labels} of the teacher's labels are likely wrong and count half until a person decides: ${doubted.listed < doubted.labels ? `the ${doubted.listed} most doubtful` : 'they'} are in doubted.jsonl. "llambert gold" with --doubted asks about them one by one; the same run with that gold then learns from what was decided`,
    );
  }
  if (facts.documents.deadLetters > 0) found.push(`${facts.documents.deadLetters} records could not be used: see dead-letters.jsonl`);
  if (asked > 0 && rejected / asked >= notableRejections) {
    found.push(
      `${rejected} of ${asked} samples got no label from the teacher (${reasons(facts.answers.rejections)}): see annotations.jsonl`,
    );
  }
  const { unmeasuredCalls, unmeasuredCost, calls } = facts.spend;
  if (unmeasuredCost > 0) {
    found.push(
      `the server reported no usage for ${unmeasuredCalls} of ${calls} calls: their price is the most it can have been (every byte of the prompt a token, and the longest answer), so the real cost is lower`,
    );
  }
  if (facts.roundsEnd === 'budget_exhausted')
    found.push('the money ran out before all annotations were bought: raise budget.usd to learn from more');
  if (facts.roundsEnd === 'nothing_usable')
    found.push('no sample of the last round got a label from the teacher, so no further round was opened: see annotations.jsonl');
  return found;
}

function modelWarnings({ dataset, evaluations, routing, training }: ModelManifest): string[] {
  const found: string[] = [];
  for (const [fact, value] of Object.entries(training)) if (fact.endsWith('endedEarly')) found.push(`the training ended early: ${value}`);
  const { unseenLabels = [] } = dataset;
  if (unseenLabels.length > 0) {
    found.push(
      `the model never saw a text labelled ${unseenLabels.map((label) => `"${label}"`).join(', ')}, so it cannot give that label where it belongs: more annotations (budget.annotations) may find some`,
    );
  }
  // The explanation begins with the word "uncertified".
  if (!routing.certified) found.push(`the "auto" labels are ${routing.explanation}`);
  if (routing.threshold === null) {
    const reference = routing.reference === 'teacher' ? "the teacher's labels" : "people's labels";
    found.push(
      `every label goes to review: on the ${routing.documents} documents with ${reference} to compare with, at no probability was it shown that the student errs as seldom as routing.targetError asks`,
    );
  }
  if (!evaluations.some((evaluation) => evaluation.reference === 'human')) {
    found.push("no person's label was there to compare with: every figure of quality is agreement with the teacher, not correctness");
  }
  return found;
}

/** Says where the last round's agreement lies clearly below an older one's: its documents are harder, or its annotations worse. */
function agreementFell(evaluations: readonly RoundEvaluation[]): string[] {
  const measured = evaluations.flatMap(({ round, agreement }) => (agreement === null ? [] : [{ round, agreement }]));
  const last = measured.at(-1);
  const best = measured.toSorted((left, right) => right.agreement.accuracyInterval.lower - left.agreement.accuracyInterval.lower).at(0);
  if (last === undefined || best === undefined || last.agreement.accuracyInterval.upper >= best.agreement.accuracyInterval.lower) return [];
  return [
    `agreement with the teacher fell from ${percent(best.agreement.accuracy)} after round ${best.round} to ${percent(last.agreement.accuracy)} after round ${last.round}: what round ${last.round} brought is harder, or labelled differently. Its model is used all the same, for it learned from all annotations; look at that round in annotations.jsonl`,
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function reasons(rejections: SummaryFacts['answers']['rejections']): string {
  return Object.entries(rejections)
    .map(([reason, count]) => `${reason.replaceAll('_', ' ')}: ${count}`)
    .join(', ');
}
