import type { Interval } from '../../measure/interval.ts';
import type { Compared } from '../../submodels/evaluation/compare.ts';
import type { Baseline } from './artefacts.ts';

/** Methods that serve fleets, as `method:` names them. */
export type FleetsMethod = 'ed-vit' | 'devit';

// Types, not interfaces, so that they are JSON.

/** What a model or a device costs. */
export type Cost = {
  /** As float32. */
  readonly sizeBytes: number;
  /** Multiply-adds for an image. */
  readonly macs: number;
};

/** One sub-model on the test images of its own classes, among these classes. */
export type SubmodelReport = Cost & {
  readonly name: string;
  readonly device: string;
  /** Places among the classes of the data. */
  readonly classes: readonly number[];
  /** The teacher restricted to the same classes. */
  readonly teacherPercent: Interval;
  /** As it was cut, and retrained, each against that teacher. */
  readonly start: Compared;
  readonly trained: Compared;
  readonly featureWidth: number;
  readonly trainMinutes: number;
  readonly p50Ms: number | null;
  /** What its training started from; absent where it was cut out of the teacher. */
  readonly origin?: Origin | undefined;
  /** Where it has a teacher of its own. */
  readonly teach?: TeachReport | undefined;
};

/** Another pretrained model as it is or cut, or weights drawn at random. */
export type Origin = 'checkpoint' | 'checkpoint, cut' | 'random weights';

/** `teach.json`: the two kinds of sub-task teacher, each by the share that is right of images of its classes, among these. */
export type TeachReport = {
  /** Of the selection split. */
  readonly images: number;
  /** Of the images that are held out in training, which chose the weights. */
  readonly heldOut: { readonly restricted: number; readonly tuned: number };
  readonly selection: { readonly restricted: number; readonly tuned: number };
  /** Of the fine-tuning. */
  readonly seconds: number;
};

export type DeviceReport = Cost & {
  readonly name: string;
  readonly models: readonly string[];
  /** How many classes nobody else knows. */
  readonly classes: number;
  /** What it sends of an image: its feature vectors as float32. */
  readonly bytesUp: number;
  readonly p50Ms: number | null;
  /** The others fused, without it; against the restricted teacher. */
  readonly lost?: Compared | undefined;
};

export type FleetReport = {
  readonly name: string;
  readonly partition: {
    readonly by: string;
    /** Share of the teacher's confusion between classes that is inside the subsets, by kind of partition. */
    readonly confusionInside: Readonly<Record<string, number>>;
  };
  readonly devices: readonly DeviceReport[];
  readonly submodels: readonly SubmodelReport[];
  /** Every image by the sub-model of its class, among that sub-model's classes: no fusion could know which that is. */
  readonly alone: {
    readonly teacherPercent: Interval;
    readonly start: Compared;
    readonly trained: Compared;
  };
  /** Against the restricted teacher, as all of these. */
  readonly fused: Compared;
  /** One device missing: the mean over the devices. Absent with one device. */
  readonly lost?:
    | {
        readonly mean: Compared;
        readonly worst: Compared & { readonly device: string; readonly classesPercent: number };
      }
    | undefined;
  readonly head: string;
  readonly small: readonly (Compared & Cost & { readonly kind: Baseline; readonly trainMinutes: number })[];
  /** Of the device with the largest models. */
  readonly largest: Cost;
  /** Of the slowest device; null without ONNX Runtime. */
  readonly p50Ms: number | null;
  readonly teacherP50Ms: number | null;
  /** Of training all sub-models, one after the other. */
  readonly trainMinutes: number;
  readonly devit?: DevitReport | undefined;
};

/** The fused sub-models beside each of them, on the same images. */
export type TogetherReport = {
  /** Of every sub-model: the images of its classes, answered among these by itself and by the fusion. */
  readonly submodels: readonly {
    readonly name: string;
    readonly images: number;
    readonly alonePercent: Interval;
    /** The fusion, and what it has over the sub-model. */
    readonly fused: Compared;
  }[];
  /** Every image in this way: the mean of the sub-models. */
  readonly mean: { readonly alonePercent: Interval; readonly fused: Compared };
  /** Models that know all classes: what the fusion has over each. */
  readonly small: readonly { readonly kind: Baseline; readonly fused: Compared }[];
};

/** Joule an image by a model of energy; nothing is measured. */
export type EnergyReport = {
  readonly perMacJ: number;
  readonly perByteJ: number;
  /** All devices with what goes over the wire, the dearest of them, and the teacher at the same rate without a wire. */
  readonly totalJ: number;
  readonly dearestJ: number;
  readonly teacherJ: number;
};

/** Of the method `devit`. */
export type DevitReport = {
  readonly together: TogetherReport;
  readonly energy: EnergyReport;
  /** Bytes of an image and of what comes back, all devices together. */
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** Shares of the held-out images that are right before and after all sub-models were trained together; absent where they were not. */
  readonly joint?:
    | {
        readonly start: number;
        readonly best: number;
        /** No look was better than the first, so nothing was changed. */
        readonly startKept?: boolean | undefined;
        readonly minutes: number;
      }
    | undefined;
};

/** `report/test/report.json`: the final numbers, on images that nothing was chosen by. */
export type FleetsReport = {
  /** The method that made it. */
  readonly kind: FleetsMethod;
  readonly run: string;
  /** Of the test split; 0 when the config asks for none, and then there are no fleets here. */
  readonly images: number;
  readonly seed: number;
  /** With its version. */
  readonly engine: string;
  readonly confidence: number;
  readonly classes: readonly string[];
  readonly teacher: Cost & {
    /** Among the data's classes: what everything is compared with. Null without test images. */
    readonly restrictedPercent: Interval | null;
    /** Among all its classes, where it has more than the data. */
    readonly unrestrictedPercent?: Interval | null | undefined;
  };
  /** Bytes of a prepared image, uint8, as it goes to a device. */
  readonly imageBytes: number;
  /** The teacher may have been trained on the test images. */
  readonly flattered: boolean;
  readonly fleets: readonly FleetReport[];
  /** Fleets of which a job failed. */
  readonly missing: readonly string[];
};
