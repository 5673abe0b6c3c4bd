"""scikit-learn's handwritten digits, 8x8 pixels: 1,347 train, 450 test; one test image is 0.22 points of accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from skipbeat_arch.extras import require_packages

INPUT_SHAPE = (1, 8, 8)
TEST_IMAGES = 450
SPLIT_SEED = 0


@dataclass(frozen=True, eq=False)
class DigitsData:
    """Images are float32 [N, 1, 8, 8] in 0..1, labels int64 [N]; 1,347 to train and 450 to test."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


def load_data() -> DigitsData:
    """The digits that come with scikit-learn, split once and for all, with equal shares of each class.

    Raises:
        InputError: scikit-learn is not installed.
    """
    require_packages("for scikit-learn's digits", "sklearn")
    from sklearn.datasets import load_digits  # a second to import
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = torch.from_numpy(digits.images.astype(np.float32) / 16).unsqueeze(1)
    labels = torch.from_numpy(digits.target.astype(np.int64))
    train, test = train_test_split(
        np.arange(len(labels)), test_size=TEST_IMAGES, stratify=digits.target, random_state=SPLIT_SEED
    )
    return DigitsData(images[train], labels[train], images[test], labels[test])
