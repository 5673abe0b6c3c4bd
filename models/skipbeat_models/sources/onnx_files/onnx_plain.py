"""Operators of ONNX that multiply nothing of one tensor by another's; any other one is a product, or is told as one."""

from __future__ import annotations

#: Each number of the result follows from the numbers at its place.
ELEMENTWISE = frozenset(
    {"Abs", "Acos", "Acosh", "Add", "And", "Asin", "Asinh", "Atan", "Atanh", "BitCast", "BitShift"}
    | {"BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast", "CastLike", "Ceil", "Celu", "Clip", "Cos"}
    | {"Cosh", "DequantizeLinear", "Div", "Dropout", "Elu", "Equal", "Erf", "Exp", "Floor", "Gelu", "Greater"}
    | {"GreaterOrEqual", "HardSigmoid", "HardSwish", "Identity", "IsInf", "IsNaN", "LeakyRelu", "Less"}
    | {"LessOrEqual", "Log", "Max", "Mean", "Min", "Mish", "Mod", "Mul", "Neg", "Not", "Or", "PRelu", "Pow"}
    | {"QuantizeLinear", "Reciprocal", "Relu", "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh"}
    | {"Softplus", "Softsign", "Sqrt", "Sub", "Sum", "SwiGLU", "Swish", "Tan", "Tanh", "ThresholdedRelu"}
    | {"Where", "Xor"}
)
#: What moves, makes, sums up or normalises.
MOVES = frozenset(
    {"ArgMax", "ArgMin", "AveragePool", "BatchNormalization", "Bernoulli", "BlackmanWindow", "CenterCropPad"}
    | {"Col2Im", "Compress", "Concat", "ConcatFromSequence", "Constant", "ConstantOfShape", "CumProd", "CumSum"}
    | {"DepthToSpace", "DynamicQuantizeLinear", "Expand", "EyeLike", "Flatten", "Gather", "GatherElements"}
    | {"GatherND", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "GroupNormalization", "HammingWindow"}
    | {"HannWindow", "Hardmax", "ImageDecoder", "InstanceNormalization", "LRN", "LayerNormalization"}
    | {"LogSoftmax", "LpNormalization", "LpPool", "MaxPool", "MaxRoiPool", "MaxUnpool"}
    | {"MeanVarianceNormalization", "MelWeightMatrix", "Multinomial", "NegativeLogLikelihoodLoss"}
    | {"NonMaxSuppression", "NonZero", "OneHot", "Optional", "OptionalGetElement", "OptionalHasElement", "Pad"}
    | {"RMSNormalization", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Range"}
    | {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin"}
    | {"ReduceProd", "ReduceSum", "ReduceSumSquare", "RegexFullMatch", "Reshape", "Resize", "ReverseSequence"}
    | {"RotaryEmbedding", "Scatter", "ScatterElements", "ScatterND", "SequenceAt", "SequenceConstruct"}
    | {"SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength", "Shape", "Size", "Slice"}
    | {"Softmax", "SoftmaxCrossEntropyLoss", "SpaceToDepth", "Split", "SplitToSequence", "Squeeze"}
    | {"StringConcat", "StringNormalizer", "StringSplit", "TensorScatter", "TfIdfVectorizer", "Tile", "TopK"}
    | {"Transpose", "Trilu", "Unique", "Unsqueeze", "Upsample"}
)
