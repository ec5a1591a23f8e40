/* contraction.h: einsum planned once, executed often.
 *
 * An equation lists the axes of each operand, then those of the result: "ab,bc->ac". A longer name stands
 * in braces: "{row}{inner},{inner}{column}->{row}{column}". Spaces mean nothing. Without "->" the result
 * has the axes that occur once, in alphabetical order. An axis may occur in any number of operands; all
 * that the result lacks are summed over; an axis that occurs twice in one operand is its diagonal.
 *
 * Windows: "{2*y+i-1}" reads an axis of an operand at position 2*y+i-1, and zeros beyond both ends; the whole
 * sum is in braces, factors and the offset at its end are numbers below 2^31. One axis of it may have no length
 * of its own: as many positions as fit, with as many zeros behind the end as before the start. A
 * convolution: "zc{y+i-1}{x+j-1},ocij->zoyx".
 * Gathered axes: "{i[n]}" reads an axis at i[n], where i is a vector of int32 or int64. Index vectors follow
 * the operands, in the order they are first named. Lookups in a table of cores: "{i[n]}ar,r{j[n]}b->nab".
 *
 * Planning finds the order of least predicted time (exact up to 13 operands, searched beyond) and the
 * memory it takes; executing allocates nothing.                                                      */
#ifndef TTKIT_CONTRACTION_H
#define TTKIT_CONTRACTION_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* At most 256 operands and 256 axes. Never changes once made: any number of threads may execute it. */
typedef struct ttk_contraction ttk_contraction;

/* How to search for the order. The same effort finds the same order. Quick and thorough minimise predicted
 * time and differ beyond 13 operands. */
typedef int32_t ttk_effort;
enum {
  TTK_EFFORT_QUICK    = 0, /* about a millisecond for up to 60 operands */
  TTK_EFFORT_THOROUGH = 1, /* some tenths of a second                   */
  TTK_EFFORT_FLOPS    = 2  /* as thorough, for fewest flops             */
};

typedef struct ttk_contraction_options {
  size_t  struct_size;  /* sizeof(ttk_contraction_options)                                      */
  int64_t memory_limit; /* bytes of workspace; 0: as many as the fastest order takes            */
  const ttk_executor *executor; /* kept by the plan: must outlive it; NULL: the library's own   */
  int32_t threads;      /* 0: all this process may use; 1: the calling thread alone             */
  ttk_effort optimize;  /* TTK_EFFORT_*                                                          */
} ttk_contraction_options;

/* Plans equation for count operands, index vectors among them; operand k has ndims[k] lengths shapes[k].
 * dtype: float32, float64, complex64 or complex128.
 * ARGUMENT for an equation that does not parse (the message points at the character), lengths that
 * disagree, a limit that no order keeps; SIZE for an intermediate beyond the address space. */
ttk_status ttk_contraction_plan(const char *equation, int32_t count, const int32_t *ndims,
                                const int64_t *const *shapes, ttk_dtype dtype,
                                const ttk_contraction_options *options, ttk_contraction **out);
/* The plan of the gradient with respect to one operand. Its operands are those of plan with the gradient
 * of the result in that operand's place; its result has that operand's shape. Of complex numbers the others
 * are conjugated: for z = x + iy the gradient of a real L is dL/dx + i dL/dy, as in torch. */
ttk_status ttk_contraction_vjp(const ttk_contraction *plan, int32_t operand,
                               const ttk_contraction_options *options, ttk_contraction **out);
/* All gradients of <gradient, contraction of the operands> at once: products that several of them share
 * are made once, so that together they take at most three times the flops of a contraction. operands as of
 * execute, gradient in the result's shape; results: operand_count arrays of the operands' shapes, which
 * overlap nothing. Planned in the first call and kept; allocates its workspace in each. */
ttk_status ttk_contraction_gradients(const ttk_contraction *plan, size_t count,
                                     const ttk_array *operands, const ttk_array *gradient,
                                     ttk_array *results);

/* Operands without index vectors. */
int32_t    ttk_contraction_operand_count(const ttk_contraction *plan);
ttk_dtype  ttk_contraction_dtype(const ttk_contraction *plan);
/* Shape of the result: writes *ndim and up to TTK_MAX_NDIM lengths. ARGUMENT for more axes. */
ttk_status ttk_contraction_result_shape(const ttk_contraction *plan, int32_t *ndim, int64_t *shape);
/* Writes the order: pair i is path[2*i], path[2*i+1], i < operand_count - 1. Numbers below operand_count
 * are operands, operand_count + i is the result of pair i. */
void       ttk_contraction_path(const ttk_contraction *plan, int32_t *path);
/* Multiply-adds times two, and bytes read and written at least, of one execute. */
int64_t    ttk_contraction_flops(const ttk_contraction *plan);
int64_t    ttk_contraction_bytes(const ttk_contraction *plan);
size_t     ttk_contraction_workspace_size(const ttk_contraction *plan); /* bytes */
/* The steps as text, one a line; lives as long as the plan. "" for NULL. */
const char *ttk_contraction_explain(const ttk_contraction *plan);

/* out = the contraction of count operands, index vectors among them, all of the planned shapes and dtype, any
 * strides. ARGUMENT for a position out of range; nothing is written then. out overlaps no
 * operand, the workspace nothing; workspace: aligned or not, at least workspace_size(plan) bytes, one call at
 * a time. */
ttk_status ttk_contraction_execute(const ttk_contraction *plan, size_t count,
                                   const ttk_array *operands, ttk_array *out, void *workspace,
                                   size_t workspace_size);
void       ttk_contraction_destroy(ttk_contraction *plan);

#ifdef __cplusplus
}
#endif
#endif
