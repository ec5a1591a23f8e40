/* base.h: version, status, last error, dtypes, array views, progress and the host's threads. */
#ifndef TTKIT_BASE_H
#define TTKIT_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TTK_VERSION_MAJOR 0
#define TTK_VERSION_MINOR 1
#define TTK_VERSION_PATCH 0
#define TTK_VERSION ((TTK_VERSION_MAJOR << 16) | (TTK_VERSION_MINOR << 8) | TTK_VERSION_PATCH)

/* Largest number of dimensions of an array, and of modes of a train. */
#define TTK_MAX_NDIM 64
#define TTK_MAX_ORDER 1024

/* Values never change meaning; new ones may come. Treat unknown ones as errors. */
typedef int32_t ttk_status; /* fixed width: the ABI does not depend on the compiler's enum size */
enum {
  TTK_OK                = 0,
  TTK_ERROR_ARGUMENT    = 1,  /* NULL, wrong shape, value out of range   */
  TTK_ERROR_DTYPE       = 2,  /* unknown, mixed or unsupported dtype     */
  TTK_ERROR_SIZE        = 3,  /* a product of sizes overflows            */
  TTK_ERROR_MEMORY      = 4,  /* allocation failed; nothing leaked       */
  TTK_ERROR_NONFINITE   = 5,  /* NaN or infinity in the input            */
  TTK_ERROR_CONVERGENCE = 6,  /* no usable result within the limit       */
  TTK_ERROR_CANCELLED   = 7,  /* your callback stopped it with no result */
  TTK_ERROR_IO          = 8,  /* the system refused a read or a write    */
  TTK_ERROR_FORMAT      = 9,  /* not one of our files, or a damaged one  */
  TTK_ERROR_VERSION     = 10, /* made by a newer library, or for one     */
  TTK_ERROR_INTERNAL    = 11  /* a defect in this library; please report */
};

/* TTK_VERSION of the library that runs; compare with the header's. */
uint32_t ttk_version(void);
/* "TTK_ERROR_SIZE" for TTK_ERROR_SIZE; "TTK_ERROR_UNKNOWN" for a number that is no status. Never NULL. */
const char *ttk_status_name(ttk_status status);
/* One sentence on the calling thread's latest failure, valid until its next call; "" before any.
 * For people: programs decide by status alone. Never NULL. */
const char *ttk_last_error(void);
/* The instruction level the kernels of this process run at: "base", "v3" (AVX2), "v4" (AVX-512) or "vnni"
 * (AVX-512 with products of bytes).
 * The environment variable TTK_ISA lowers it: read once, at the first call that computes. */
const char *ttk_kernel_level(void);

typedef int32_t ttk_dtype;
enum {
  TTK_FLOAT32   = 1,
  TTK_FLOAT64   = 2,
  TTK_COMPLEX64 = 3,  /* two float32, as NumPy's */
  TTK_COMPLEX128 = 4, /* two float64             */
  TTK_FLOAT16   = 5,
  TTK_BFLOAT16  = 6,
  TTK_INT8      = 7,
  TTK_INT32     = 8,
  TTK_INT64     = 9,
  TTK_UINT8     = 10,
  TTK_INT16     = 11,
  TTK_BOOL      = 12  /* sub-byte widths are storages, never dtypes */
};

/* Bytes of one element; 0 for a number that is no dtype. */
size_t ttk_dtype_size(ttk_dtype dtype);

/* A view. Layout frozen; fields mean what they mean in DLPack. */
typedef struct ttk_array {
  void          *data;    /* first element; may be NULL when a length is 0  */
  const int64_t *shape;   /* ndim lengths, each >= 0                        */
  const int64_t *strides; /* ndim steps in elements; NULL: C order, compact */
  int32_t        ndim;
  ttk_dtype      dtype;
} ttk_array;

/* Called on the thread that called the library, at most ten times a second. done of total steps of
 * the stage are over; total 0: unknown. 0: go on; anything else stops the call at the next step. */
typedef int32_t (*ttk_progress)(void *context, const char *stage, int64_t done, int64_t total);

/* Threads of the host. run calls task(task_context, i) once for each i < count, on any threads and in
 * any order, and returns after the last has returned. Results never depend on it. */
typedef struct ttk_executor {
  size_t  struct_size; /* sizeof(ttk_executor)                         */
  void   *context;     /* handed to run                                */
  void  (*run)(void *context, size_t count, void (*task)(void *task_context, size_t index),
               void *task_context);
  int32_t threads;     /* how many tasks may run at once; at least 1   */
  int32_t reserved;    /* 0                                            */
} ttk_executor;

#ifdef __cplusplus
}
#endif
#endif
