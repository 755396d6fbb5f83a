/** Names by number of the enumerations in caffe.proto; a prototxt may have either. */
type Enumeration = Readonly<Record<number, string>>;

export const PHASES: Enumeration = ["TRAIN", "TEST"];
export const POOL_METHODS: Enumeration = ["MAX", "AVE", "STOCHASTIC"];
export const NORM_REGIONS: Enumeration = ["ACROSS_CHANNELS", "WITHIN_CHANNEL"];
export const REDUCTION_OPERATIONS: Enumeration = { 1: "SUM", 2: "ASUM", 3: "SUMSQ", 4: "MEAN" };
export const CODE_TYPES: Enumeration = { 1: "CORNER", 2: "CENTER_SIZE", 3: "CORNER_SIZE" };
/** How the size of a pooled map is rounded. */
export const ROUND_MODES: Enumeration = ["CEIL", "FLOOR"];
/** DIV is Bolt's addition. */
export const ELTWISE_OPERATIONS: Enumeration = ["PROD", "SUM", "MAX", "DIV"];
/** Of Bolt's own Resize and Check. */
export const INTERPOLATION_MODES: Enumeration = { 1: "LINEAR", 3: "NEAREST", 4: "CUBIC" };
export const CHECK_OPERATIONS: Enumeration = ["EQUAL", "GREAT", "GREATEQUAL"];
