// Compiled beside the package's own sources: lets JavaScript register TensorFlow functions (FunctionDef protocol buffers) with
// the binding's one eager context, so that its executeOp runs a whole graph by the function's name. The binding keeps that
// context to itself; the linker's --wrap=TFE_NewContext shows it here without a change to the binding's source.
#include <node_api.h>

#include "tensorflow/c/eager/c_api.h"

namespace {
TFE_Context* context = nullptr;
}

extern "C" TFE_Context* __real_TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status);
extern "C" TFE_Context* __wrap_TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status) {
  return context = __real_TFE_NewContext(options, status);
}

namespace {

napi_value throw_unless_ok(napi_env env, TF_Status* status) {
  if (TF_GetCode(status) != TF_OK) napi_throw_error(env, nullptr, TF_Message(status));
  TF_DeleteStatus(status);
  return nullptr;
}

// addFunction(definition: Uint8Array): void
napi_value add_function(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (count != 1 || context == nullptr ||
      napi_get_typedarray_info(env, argument, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array) {
    napi_throw_type_error(env, nullptr, "addFunction takes a FunctionDef as a Uint8Array");
    return nullptr;
  }
  TF_Status* status = TF_NewStatus();
  TFE_ContextAddFunctionDef(context, static_cast<const char*>(data), length, status);
  return throw_unless_ok(env, status);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void blockforge_register(napi_env env, napi_value exports) {
  const napi_property_descriptor property = {"addFunction", nullptr, add_function,    nullptr,
                                              nullptr,       nullptr, napi_enumerable, nullptr};
  napi_define_properties(env, exports, 1, &property);
}
