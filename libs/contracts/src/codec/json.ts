import { createFileRegistry, type FileRegistry, fromBinary, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { LlambertError, toLlambertError } from '@llambert/domain';
import { fileDescriptorSet } from './file-descriptor-set.ts';

/** Built for the first record in JSON: most processes never see one. */
let registry: FileRegistry | null = null;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * A message's proto3 JSON as Protobuf, read by the letter: unknown fields, wrong types and two members of a oneof are refused. (The
 * generated `fromJSON` coerces and guesses, which is no way to treat what strangers write.) Throws `invalid_input`, naming the field.
 */
export function protobufFromJson(schema: string, bytes: Uint8Array): Uint8Array {
  registry ??= createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(fileDescriptorSet, 'base64')));
  const descriptor = registry.getMessage(schema);
  if (descriptor === undefined) throw new LlambertError('internal', `no descriptor of ${schema}: run the generate target of contracts`);
  try {
    const json = JSON.parse(strictUtf8.decode(bytes)) as JsonValue;
    return toBinary(descriptor, fromJson(descriptor, json, { registry }));
  } catch (error) {
    throw new LlambertError('invalid_input', `not a ${schema} in JSON: ${toLlambertError(error).message}`, { cause: error });
  }
}
