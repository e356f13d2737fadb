import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { LlambertError, type LogRecord, toLlambertError } from '@llambert/domain';
import { protobufFromJson } from './json.ts';

/** How values of one domain type stand in records of a topic. */
export interface Codec<T> {
  /** Full name of the Protobuf message: the record's `schema` header. */
  readonly schema: string;
  encode(value: T): Uint8Array;
  /** Throws `invalid_input`, naming the field. */
  decode(bytes: Uint8Array): T;
}

/** What accompanies a record from the work that caused it. */
export interface RecordContext {
  /** W3C trace context of the span that sends the record. */
  readonly traceparent?: string;
}

interface GeneratedMessage<Wire> {
  encode(message: Wire, writer: BinaryWriter): BinaryWriter;
  decode(reader: BinaryReader): Wire;
}

const protobufType = 'application/x-protobuf';
const jsonType = 'application/json';

/** One for all: its buffer grows to the longest message once, where a new one would grow for each. `finish` empties it. */
const writer = new BinaryWriter();

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A codec from generated code and the two translations. `fromWire` throws `invalid_input` for what the message's type lets through. */
export function messageCodec<Wire, T>(
  schema: string,
  message: GeneratedMessage<Wire>,
  translate: { toWire: (value: T) => Wire; fromWire: (wire: Wire) => T },
): Codec<T> {
  return {
    schema,
    encode(value) {
      try {
        message.encode(translate.toWire(value), writer);
      } catch (error) {
        writer.finish();
        throw error;
      }
      return writer.finish();
    },
    decode(bytes) {
      try {
        const reader = new BinaryReader(bytes, (text) => strictUtf8.decode(text));
        const wire = message.decode(reader);
        // Generated code takes a tag of zero for the end and drops the rest.
        if (reader.pos !== reader.len) throw new RangeError(`the message ends at byte ${reader.pos} of ${reader.len}`);
        return translate.fromWire(wire);
      } catch (error) {
        throw new LlambertError('invalid_input', `not a valid ${schema}: ${toLlambertError(error).message}`, { cause: error });
      }
    },
  };
}

/** A record that holds a value in Protobuf. `headers` come on top of content-type, schema and traceparent. */
export function encodeRecord<T>(
  codec: Codec<T>,
  key: string,
  value: T,
  context: RecordContext = {},
  headers: Readonly<Record<string, string>> = {},
): LogRecord {
  const trace: Record<string, string> = context.traceparent === undefined ? {} : { traceparent: context.traceparent };
  return { key, value: codec.encode(value), headers: { 'content-type': protobufType, schema: codec.schema, ...headers, ...trace } };
}

/**
 * The value of a record in Protobuf (also where it names no content type) or in proto3 JSON. Throws `invalid_input` for anything else,
 * and never another error, whatever the bytes.
 */
export function decodeRecord<T>(codec: Codec<T>, record: Pick<LogRecord, 'value' | 'headers'>): T {
  const schema = record.headers['schema'] ?? codec.schema;
  if (schema !== codec.schema)
    throw new LlambertError('invalid_input', `the record holds a ${schema} where a ${codec.schema} was expected`);
  const contentType = (record.headers['content-type'] ?? protobufType).split(';', 1)[0]!.trim().toLowerCase();
  if (contentType === protobufType) return codec.decode(record.value);
  if (contentType === jsonType) return codec.decode(protobufFromJson(codec.schema, record.value));
  throw new LlambertError('invalid_input', `the content type ${contentType} is neither ${protobufType} nor ${jsonType}`);
}
