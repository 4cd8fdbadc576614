export { applyFfn, disposeFfn, downloadFfn, teacherFfn, uploadFfn, type FfnTensors } from './ffn-tensors.ts';
export { downloadWeights, uploadTeacher, uploadWeights, type VisionTransformer } from './upload.ts';
export { hostFfn } from './host-weights.ts';
export { forward } from './encoder.ts';
export type { ModelTensors } from './backbone.ts';
