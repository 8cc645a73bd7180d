/** How long a capture took, how much of it was another than before, and whether that looks encrypted. Pure. */
import type { AcceptedMoments, Anomaly, Capture } from './anomaly.ts';
import { daysBetween, expectToday, sampleHistory, thinOut, type Past } from './expectation.ts';

const slowTimes = 4;
const leastDelaySeconds = 60;
const churnTimes = 4;
const leastChurn = 0.3;
/** Less than this that changed is not worth a word, unless it looks encrypted. */
const leastChanged = 16 * 1024 * 1024;
const entropyJump = 0.5;
const encryptedEntropy = 7.5;
/** Where there is little history: so much more than ever. */
const firstEntropyJump = 1.5;
/** How many standard deviations a number may stray. */
const tolerance = 6;
const mostNames = 0.5;
const nearlyAll = 0.9;
/** What was encrypted is told for so long: nothing in later captures shows whether it was put right. */
const toldDays = 63;

export function judgeDuration(known: readonly Capture[], current: Capture, acceptedAt: AcceptedMoments): Anomaly[] {
  const { seconds: value } = current;
  const accepted = acceptedAt({ metric: 'seconds' });
  const compared = thinOut(accepted === undefined ? known : known.filter(({ at }) => at >= accepted), current.at);
  const expectation = expectationOf(compared, current, ({ seconds }) => (seconds === undefined ? undefined : Math.log1p(seconds)));
  if (value === undefined || expectation === undefined || accepted?.getTime() === current.at.getTime()) return [];
  const expected = Math.expm1(expectation.value);
  const stray = Math.log1p(value) - expectation.value;
  if (stray <= Math.max(Math.log(slowTimes), tolerance * expectation.spread) || value - expected < leastDelaySeconds) return [];
  const sentence = `it took ${Math.round(value)} s, about ${Math.round(expected)} s were expected`;
  return [{ metric: 'seconds', change: 'grew', value, expected, severity: 'warning', since: current.at, isLoss: false, sentence }];
}

/**
 * Much that changed at once is odd; that it cannot be compressed any more too. Both is what encrypted files look like: that is told until it is
 * accepted, also when the captures after it change nothing more.
 * @param earlier the oldest first
 */
export function judgeContent(earlier: readonly Capture[], current: Capture, acceptedAt: AcceptedMoments): Anomaly[] {
  const now = judgeOne(earlier, current, acceptedAt);
  if (now.some(({ isLoss }) => isLoss)) return now;
  const suspects = earlier.filter(
    ({ at, churn = 0, entropy = 0 }) => churn >= leastChurn && entropy >= encryptedEntropy && daysBetween(at, current.at) <= toldDays,
  );
  for (const suspect of suspects) {
    const before = earlier.filter(({ at }) => at < suspect.at);
    const found = judgeOne(before, suspect, acceptedAt).filter(({ isLoss }) => isLoss);
    if (found.length === 0) continue;
    const day = suspect.at.toISOString().slice(0, 10);
    return [...now, ...found.map((each) => ({ ...each, sentence: `on ${day}, ${each.sentence}` }))];
  }
  return now;
}

function judgeOne(earlier: readonly Capture[], capture: Capture, acceptedAt: AcceptedMoments): Anomaly[] {
  const isOpen = (metric: 'churn' | 'entropy'): boolean => {
    const accepted = acceptedAt({ metric });
    return accepted === undefined || capture.at > accepted;
  };
  const known = sampleHistory(earlier, capture.at);
  const churned = judgeChurn(known, capture);
  const mixed = judgeEntropy(known, capture);
  if (churned !== undefined && mixed !== undefined) {
    const { renamed = 0 } = capture;
    const names = renamed >= mostNames ? `, ${Math.round(100 * renamed)} % of the files have other names` : '';
    const sentence = `${mixed.sentence}, and ${churned.sentence}${names}: as if files had been encrypted`;
    const lastGood = earlier.at(-1)?.at ?? capture.at;
    return isOpen('entropy') ? [{ ...mixed.anomaly, lastGood, severity: 'critical', isLoss: true, sentence }] : [];
  }
  // Without the other one, where there is little to compare with, neither says anything.
  const isTold = churned?.isFirst === false && (capture.bytes ?? 0) * churned.anomaly.value >= leastChanged && isOpen('churn');
  if (isTold) return [{ ...churned.anomaly, sentence: churned.sentence }];
  return mixed?.isFirst === false && isOpen('entropy') ? [{ ...mixed.anomaly, sentence: mixed.sentence }] : [];
}

interface Judged {
  readonly anomaly: Omit<Anomaly, 'sentence'>;
  readonly sentence: string;
  /** There was little to compare with. */
  readonly isFirst: boolean;
}

function judgeChurn(known: readonly Capture[], current: Capture): Judged | undefined {
  const { churn: value, at } = current;
  if (value === undefined || value < leastChurn) return undefined;
  const scale = (share: number): number => Math.log(share + 0.01);
  const expectation = expectationOf(known, current, ({ churn }) => (churn === undefined ? undefined : scale(churn)));
  const past = known.flatMap(({ churn }) => (churn === undefined ? [] : [churn]));
  const most = Math.max(0, ...past);
  const isOdd =
    expectation === undefined
      ? value > churnTimes * most
      : scale(value) - expectation.value > Math.max(Math.log(churnTimes), tolerance * expectation.spread);
  if (!isOdd) return undefined;
  const expected = expectation === undefined ? most : Math.max(0, Math.exp(expectation.value) - 0.01);
  const sentence = `${Math.round(100 * value)} % changed, about ${Math.round(100 * expected)} % were expected`;
  const anomaly = { metric: 'churn', change: 'grew', value, expected, severity: 'warning', since: at, isLoss: false } as const;
  return { anomaly, sentence, isFirst: expectation === undefined };
}

function judgeEntropy(known: readonly Capture[], current: Capture): Judged | undefined {
  const { entropy: value, at } = current;
  if (value === undefined || value < encryptedEntropy) return undefined;
  const expectation = expectationOf(known, current, ({ entropy }) => entropy);
  const past = known.flatMap(({ entropy }) => (entropy === undefined ? [] : [entropy]));
  if (past.length === 0) return judgeFirstEntropy(current, value);
  const most = Math.max(...past);
  const isOdd =
    expectation === undefined
      ? value - most > firstEntropyJump
      : value - expectation.value > Math.max(entropyJump, tolerance * expectation.spread);
  if (!isOdd) return undefined;
  const expected = expectation?.value ?? most;
  const sentence = `new content has ${value.toFixed(1)} bits a byte, about ${expected.toFixed(1)} were expected`;
  const anomaly = { metric: 'entropy', change: 'grew', value, expected, severity: 'info', since: at, isLoss: false } as const;
  return { anomaly, sentence, isFirst: expectation === undefined };
}

/** What it was like before is not known: what replaced nearly all of it, or all its names, is odd nevertheless. */
function judgeFirstEntropy({ at, churn = 0, renamed = 0 }: Capture, value: number): Judged | undefined {
  if (churn < nearlyAll && renamed < mostNames) return undefined;
  const anomaly = { metric: 'entropy', change: 'grew', value, expected: value, severity: 'info', since: at, isLoss: false } as const;
  return { anomaly, sentence: `new content has ${value.toFixed(1)} bits a byte`, isFirst: true };
}

function expectationOf(known: readonly Capture[], current: Capture, read: (capture: Capture) => number | undefined) {
  return expectToday(
    thinOut(known, current.at).flatMap((each): Past[] => {
      const value = read(each);
      return value === undefined ? [] : [[daysBetween(each.at, current.at), value]];
    }),
  );
}
