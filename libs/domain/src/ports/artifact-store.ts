import type { ModelManifest } from '../model.ts';

/** Model folders addressed by the digest of their manifest. */
export interface ArtifactStore {
  /**
   * Lets `write` fill an empty folder, adds `manifest.json` with the digest of every file, and publishes it all at once: nobody ever
   * sees half an artifact, and equal artifacts have equal digests. Returns the digest.
   */
  publish(write: (folder: string) => Promise<Omit<ModelManifest, 'files'>>): Promise<{ digest: string; manifest: ModelManifest }>;
  /** A local folder with the artifact's files, every digest verified. Throws `not_found` or `corrupt_artifact`. */
  open(digest: string): Promise<{ folder: string; manifest: ModelManifest }>;
  list(): Promise<readonly { digest: string; manifest: ModelManifest }[]>;
}
