"""Whether hard negatives are anything but a lower temperature of the negatives."""
