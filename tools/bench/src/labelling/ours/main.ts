import { loadClassifier } from '@llambert/student';
import { labelNames } from '../classifier.ts';
import { serve } from '../program.ts';

// ours/main.ts MODEL: labels with a released model.

const classifier = await loadClassifier(process.argv[2]!, {
  student: 'fine-tuned',
  labels: { kind: 'single', names: [...labelNames] },
  calibration: { method: 'temperature', temperature: 1, documents: 0, reference: 'teacher' },
});

serve(async (texts) => {
  const { probabilities } = await classifier.classify(texts.map((text) => ({ text })));
  return texts.map((_, text) => Math.log(probabilities[2 * text]! / probabilities[2 * text + 1]!));
});
