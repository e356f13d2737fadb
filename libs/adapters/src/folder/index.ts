export { folderArtifactStore, openArtifact } from './artifact-store.ts';
