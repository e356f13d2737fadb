import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ModelReleased as Wire } from '../generated/llambert/model/v1/model.ts';
import { eventsNamed } from './arbitraries.fixture.ts';
import { decodeEvent, encodeEvent } from './event.ts';

it('a manifest whose format and ensemble contradict each other is refused', () => {
  fc.assert(
    fc.property(eventsNamed('model.released'), (event) => {
      const record = encodeEvent(event);
      const wire = Wire.decode(record.value);
      const manifest = wire.manifest!;
      const ensemble = manifest.ensemble === undefined ? { encoderShare: 0.5 } : undefined;
      const value = Buffer.from(Wire.encode({ ...wire, manifest: { ...manifest, ensemble } }).finish());
      expect(() => decodeEvent('model.released', { ...record, value })).toThrow('manifest.ensemble is');
    }),
  );
});
