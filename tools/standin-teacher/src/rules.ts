import type { Annotator, Judgement } from './annotator.ts';
import { ApiError } from './api-error.ts';

/** A sign of a label in a text, and how much it speaks for it (against it where negative), in log-odds. */
type Sign = readonly [pattern: RegExp, weight: number];

/** Written by reading a few hundred messages, as one writes a first codebook; it knows words only, and errs where they mislead. */
const signs: Readonly<Record<string, readonly Sign[]>> = {
  delivery: [
    [/\b(parcel|package|courier|driver|postman|carrier|depot|customs|dispatched|shipp?(ed|ing)?|sent out)\b/i, 2],
    [/\b(deliver(y|ed)?|track(ing)?|on its way|doorstep|neighbour i)\b/i, 1.6],
    [/\bwhere('?s| is) my\b|\b(not|never) (arrived|here|shown up|come)\b|\bwrong (box|door)\b|\bnothing came\b/i, 3],
    [
      /\b(days late|overdue|pick (it )?up|collect it|missing|(shipping|delivery) address|bring it|turned up|still waiting|has not moved)\b/i,
      2,
    ],
    [/\b(address|order) (is wrong|please)\b|\bany news\b|\bcheck .*please\b/i, 1],
    [/delivery was (fine|quick)|parcel came (on time|quickly)|was delivered|shipping took|super fast/i, -3],
    [/荷物|届き|届い|配達|お届け|配送|追跡|発送|不在票|送料|到着/, 2.4],
    [/来ません|入っていませんでした|住所/, 1.5],
    [/配達は早|荷物は.*届きました|配達がとても早/, -4],
    [/件はどう/, 1],
  ],
  refund: [
    [/\b(refund(ed)?|reimbursed?|money back|return(ed)?|send (it )?back|sent .* back|take .* back|exchange|swap|replacement)\b/i, 3],
    [/\b(cancel(led)?|charged|billed|invoice|voucher|coupon|discount|payment|paid|paying|bank account|difference\?)\b/i, 2.2],
    [/\b(broken|cracked|damaged|scratch|not what i|stopped working|too (small|big))\b/i, 1.3],
    [/\b(taken from my|get the difference|sent the|pay one|found it cheaper|never worked|fit)\b/i, 2],
    [/do not want a refund|got my money back|otherwise i cancel|if not, i will|i paid|refund was handled/i, -5],
    [/返品|返金|キャンセル|請求|返送|交換|領収書|クーポン|振り込/, 3],
    [/壊れ|割れ|違いました|動かなく/, 1.3],
    [/返金は不要|だめなら返品|返金の対応が早/, -5],
  ],
  product: [
    [/\b(does|is|are|can|will|which|how|what)\b[^.!?]*\?/i, 1],
    [
      /\b(compatible|suitable|safe for|stock|available again|spare parts|warranty|vegan|organic|recommend|dishwasher|manual|real (leather|wood))\b/i,
      3,
    ],
    [
      /\b(what size|how (heavy|big|loud)|difference between|come in|exist in|come also|set up|assemble|clean|reset|made of|made|strange noise|very hot|blinks|wall-mounted|repaired|washed)\b/i,
      2.4,
    ],
    [/\b(battery|filter|cable|bulb|bluetooth|timer|lid|wheels|plug|ok for|cm tall|used abroad|supposed to be)\b/i, 2],
    [/\b(already have it in|itself works|it is the \w+ one|works well)\b/i, -1.5],
    [/\b(stopped working|too (heavy|small|big))\b/i, 1],
    [/ありますか|ないですか|使えますか|使い方|組み立て|洗い方|再入荷|サイズがいい|電池|フィルター|正常ですか|重さ|大きさ|素材|保証/, 3],
    [/の方です|自体は問題/, -0.5],
  ],
  account: [
    [/\b(account|profile|log(ged|ging)? ?(in|me out)|sign in|login|user(name)?|password)\b/i, 2.4],
    [
      /\b(newsletter|unsubscribe|these mails|saved card|two accounts|verification|security code|points|gdpr|data|registered|merge|hacked|reset (mail|link)|confirmation)\b/i,
      2.6,
    ],
    [/\b(my (email|phone number|name)|the mail|code does not|never got the mail|address is wrong)\b/i, 1.6],
    [/with my account \S+@|logged in as|my customer number|email in my profile|bank account/i, -3.2],
    [/ログイン|サインイン|パスワード|退会|アカウント|メールアドレス|ポイント|認証|メルマガ|会員情報|登録した|不正/, 3],
    [/メールが届|コードが使え/, 2],
    [/会員番号は|登録は/, -1.5],
  ],
  feedback: [
    // What asks for nothing and names nothing is mostly praise or a grudge.
    [/^/, 0.4],
    [
      /\b(great|lovely|wonderful|excellent|brilliant|perfect|beautiful|love|stars|praise|compliment|pleasure|friendly|impressed|happy)\b/i,
      2,
    ],
    [
      /\b(worst|never again|disappointed|let down|unacceptable|rude|awful|poor|overpriced|joke|complaint|shame|a mess|confusing|slow|plastic|hold for)\b/i,
      2.4,
    ],
    [
      /\b(thanks on to|just wanted to say|quality of|tell (everybody|all)|exceeded|keep it up|do better|been (better|great)|not (ok|good)|used to be|amazing|staff|your people|know nothing|looks cheap|fast|order again|website|will order|came in one day|boxes|planet|treat people|very fair|worst|service)\b/i,
      2,
    ],
    [
      /otherwise (great|i am)|quite annoyed|not happy|really disappointed, honestly|always been great|love your shop, by|this is unacceptable/i,
      -1.6,
    ],
    [
      /ありがとうございました|最高|気に入|満足|最悪|ひどい|二度と|使いにくい|見づらい|過剰|丁寧|親切|がっかり|失望|驚き|感心|感動|素晴らし/,
      3,
    ],
    [/いつもありがとう|正直、がっかり|他は満足/, -2.6],
  ],
};

/** How the first words of a message weigh more than its last: people tend to say first what they want. */
const leadWeight = 0.5;
/** Probability, without any sign, that a text has a label (for questions that allow several). */
const priorLogOdds = -2;

/**
 * The annotator of the shipped example (customer messages; English and Japanese): weighs words, reads nothing but the text, and is
 * right about nine times in ten. Its probabilities are a softmax of the weights, for several labels a sigmoid each.
 */
export const customerMessageRules: Annotator = {
  mode: 'rules',
  judge: (document, question): Judgement => {
    const labels = (question.labels ?? Object.keys(signs)).filter((label) => Object.hasOwn(signs, label));
    if (labels.length === 0) {
      throw new ApiError(
        400,
        `These rules know the labels ${Object.keys(signs).join(', ')}; the schema asks for none of them. Use the task of examples/customer-messages, or --mode replay.`,
        { param: 'response_format' },
      );
    }
    const scores = labels.map((label) => scoreOf(label, document.text));
    const probabilities = question.kind === 'multi' ? scores.map((score) => 1 / (1 + Math.exp(-score - priorLogOdds))) : softmax(scores);
    const all = question.labels ?? labels;
    const known = new Map(labels.map((label, index) => [label, probabilities[index]!]));
    return {
      kind: question.kind ?? 'single',
      labels:
        question.kind === 'multi'
          ? labels.filter((label) => known.get(label)! >= 0.5)
          : [labels[probabilities.indexOf(Math.max(...probabilities))]!],
      probabilities: new Map(all.map((label) => [label, known.get(label) ?? 0])),
    };
  },
};

function scoreOf(label: string, text: string): number {
  let score = 0;
  for (const [pattern, weight] of signs[label]!) {
    const at = text.search(pattern);
    if (at >= 0) score += weight * (1 + leadWeight * (1 - at / text.length));
  }
  return score;
}

function softmax(scores: readonly number[]): number[] {
  const top = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - top));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
