/** The domain of operators that are Caffe's layers as they are. */
export const CAFFE_DOMAIN = "caffe";
