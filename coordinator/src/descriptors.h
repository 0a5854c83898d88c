/* SPDX-License-Identifier: MIT */
#ifndef LULL_COORDINATOR_DESCRIPTORS_H
#define LULL_COORDINATOR_DESCRIPTORS_H

/*
 * Descriptors 0 to 2 must be taken, or the next file that is opened becomes stdout. What is put
 * there cannot be used, so that writing to a closed stdout stays the error that it is.
 */
void keep_standard_descriptors_taken(void);

#endif
