/* ttkit.h: small, fast neural-network weights and tensor trains, for C and for anything that can call C.
 *
 * A compressed weight is a network of small cores (low rank, tensor train, ...), each held in a storage
 * (float32, int8 by groups, ...), written as one spec string: "low_rank(rank=64)@int8(group=32)".
 *
 * Six rules hold for every function here.
 *  1. What can fail returns ttk_status. Results leave through the last parameters; after a failure
 *     every result handle is NULL, every result array unspecified. A stopped or unconverged run that
 *     has a result is no failure: TTK_OK, and the report says why.
 *  2. A handle ends in exactly one ttk_*_destroy, which accepts NULL and cannot fail.
 *  3. The library never keeps, frees or resizes your memory, and never hands you memory to free.
 *     Your arrays are read or written during the call only.
 *  4. Trains, layers, plans, recipes and models never change once made: any number of threads may use
 *     one at the same time. A workspace serves one call at a time.
 *  5. Options may be NULL. Zero means default in every field.
 *  6. Nothing prints, exits or changes global state.
 *
 * Arrays are row-major, last index fastest. Counts and sizes are in elements unless called bytes.
 *
 * One honest limit: tensor-sized memory fails politely with TTK_ERROR_MEMORY; a few kilobytes of
 * bookkeeping come from the Swift runtime, which ends the process if even those cannot be had.      */
#ifndef TTKIT_H
#define TTKIT_H

#include "ttkit/base.h"
#include "ttkit/train.h"
#include "ttkit/train_matrix.h"
#include "ttkit/cross.h"
#include "ttkit/solve.h"
#include "ttkit/network.h"
#include "ttkit/contraction.h"
#include "ttkit/linear.h"
#include "ttkit/embedding.h"
#include "ttkit/convolution.h"
#include "ttkit/attention.h"
#include "ttkit/quantize.h"
#include "ttkit/training.h"
#include "ttkit/recipe.h"
#include "ttkit/model.h"

#endif
