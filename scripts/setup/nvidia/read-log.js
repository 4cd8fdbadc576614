import { wheel } from './obstacles.js';

/** The environment in which TensorFlow tells what it opens and which GPUs it refuses. */
export const talkative = { TF_CPP_MIN_LOG_LEVEL: '0', TF_CPP_VMODULE: 'dso_loader=1' };

const driver = "install NVIDIA's newest driver and reboot";

/** By CUDA's name or number for an error of cuInit. @type {readonly (readonly [RegExp, string, string])[]} */
const starts = [
  [
    /SHARED_OBJECT_INIT_FAILED|\(303\)/,
    "libcuda.so.1 of NVIDIA's driver is not found",
    'npm run pipeline -- doctor says more',
  ],
  [
    /NO_DEVICE|\(100\)/,
    'CUDA sees no GPU',
    'look at CUDA_VISIBLE_DEVICES, at MIG mode (nvidia-smi -L) and at the rights of /dev/nvidia*',
  ],
  [
    /SYSTEM_DRIVER_MISMATCH|\(803\)/,
    'libcuda and the loaded driver are of different versions',
    'reboot, in a container restart it',
  ],
  [
    /COMPAT_NOT_SUPPORTED_ON_DEVICE|\(804\)/,
    'a cuda-compat library stands before the driver and does not fit this GPU',
    'take the folder of cuda-compat out of LD_LIBRARY_PATH',
  ],
  [/SYSTEM_NOT_READY|\(802\)/, "the GPUs' connections are not up", 'systemctl start nvidia-fabricmanager'],
  [/INSUFFICIENT_DRIVER|\(35\)/, `NVIDIA's driver is too old for CUDA ${wheel.cuda}`, driver],
  [/DEVICE_UNAVAILABLE|\(46\)/, 'another process has the GPU to itself', 'nvidia-smi -c 0 shares it'],
  [
    /UNKNOWN|\(999\)/,
    'CUDA does not start although the driver is there',
    'nvidia-modprobe -u -c 0, and if that does not help reboot',
  ],
];

/**
 * What TensorFlow writes when it uses no GPU or fails on one, and what that means. The first that fits counts.
 *
 * @type {readonly { pattern: RegExp, tell: (match: RegExpExecArray) => readonly [why: string, remedy: string] | undefined }[]}
 */
const patterns = [
  {
    pattern: /failed call to cuInit: (.*)/i,
    tell: ([, words = '']) => {
      const known = starts.find(([code]) => code.test(words));
      return known ? [known[1], known[2]] : [`CUDA does not start: ${words.trim()}`, driver];
    },
  },
  {
    pattern: /kernel version (\S+) does not match DSO version (\S+)/,
    tell: ([, kernel, library]) => [
      `the loaded driver is ${kernel}, its libraries are ${library}`,
      'reboot, in a container restart it',
    ],
  },
  {
    pattern:
      /name: ([^,)]+).*with Cuda compute capability ([\d.]+)\. The minimum required Cuda capability is ([\d.]+\d)/,
    tell: ([, name, found, least]) => [
      `${name} has compute capability ${found}, TensorFlow's kernels begin at ${least}`,
      'npm run setup -- --webgpu, then --engine webgpu',
    ],
  },
  {
    pattern: /name: ([^,)]+).*with core count: (\d+)\. The minimum required count is (\d+)/,
    tell: ([, name, count]) => [
      `TensorFlow leaves ${name} out beside a larger GPU`,
      `CUDA_VISIBLE_DEVICES names it alone, or TF_MIN_GPU_MULTIPROCESSOR_COUNT=${count}`,
    ],
  },
  {
    pattern: /Loaded runtime CuDNN library: (\S+) but source was compiled with: (\S+?)\.? /,
    tell: ([, found, wanted]) => [
      `another cuDNN (${found}) is found before the one that TensorFlow was built with (${wanted})`,
      'take its folder out of LD_LIBRARY_PATH',
    ],
  },
  {
    pattern:
      /Could not load dynamic library '(lib(?:cudart|cublas|cublasLt|cufft|cusolver|cusparse|cudnn)\.[^']+)'; dlerror: ([^;\n]+)/,
    tell: ([, name, words]) => [`${name} does not load (${words.trim()})`, 'npm run setup -- --cuda'],
  },
  {
    pattern: /CUDA_ERROR_UNSUPPORTED_PTX_VERSION|unsupported toolchain/,
    tell: () => [
      `NVIDIA's driver is too old to compile TensorFlow's kernels for this GPU (${wheel.oldestCompilingDriver} or newer is needed)`,
      driver,
    ],
  },
  {
    pattern:
      /CUDA_ERROR_INVALID_PTX|CUDA_ERROR_INVALID_HANDLE|CUDA_ERROR_NO_BINARY_FOR_GPU|no kernel image is available|PTX version \S+ does not support target/,
    tell: () => [
      'TensorFlow has no kernels that this GPU can run',
      'npm run setup -- --webgpu, then --engine webgpu',
    ],
  },
  {
    pattern: /CUDA_ERROR_OUT_OF_MEMORY|out of memory|RESOURCE_EXHAUSTED/i,
    tell: () => [
      "the GPU's memory is taken",
      'nvidia-smi shows by whom; TF_FORCE_GPU_ALLOW_GROWTH=false, if it is set, must go',
    ],
  },
  {
    pattern: /CUDNN_STATUS_\w+|No DNN in stream executor|DNN library is not found/,
    tell: ([words]) => [`cuDNN does not start (${words})`, 'npm run setup -- --cuda'],
  },
  {
    pattern: /not (?:built|compiled) with (?:GPU|CUDA)/i,
    tell: () => ['this TensorFlow was built without CUDA', 'npm run setup -- --cuda'],
  },
];

/**
 * @param {string} log what TensorFlow wrote to standard error
 * @returns {Pick<import('./obstacles.js').Obstacle, 'why' | 'remedy'> | undefined}
 */
export function readLog(log) {
  for (const { pattern, tell } of patterns) {
    const match = pattern.exec(log);
    const told = match === null ? undefined : tell(match);
    if (told !== undefined) return { why: told[0], remedy: told[1] };
  }
  return undefined;
}
