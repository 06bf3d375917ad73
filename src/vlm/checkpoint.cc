#include "vlm/checkpoint.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>
#include <torch/types.h>

namespace beholder::vlm {
namespace {

using Part = std::function<at::Tensor(const at::Tensor&)>;

struct PartHolder : torch::CustomClassHolder {
  explicit PartHolder(Part p) : part(std::move(p)) {}
  Part part;
};

class Checkpointed : public torch::autograd::Function<Checkpointed> {
 public:
  // Runs without gradients, as every custom function's forward. `anchor` requires gradients, so that the backward pass comes
  // here even where x does not: the parameters inside may.
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& anchor,
                            const c10::intrusive_ptr<torch::CustomClassHolder>& holder) {
    context->save_for_backward({x});
    context->saved_data["part"] = c10::IValue::make_capsule(holder);
    return static_cast<PartHolder&>(*holder).part(x);
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context, torch::autograd::tensor_list gradients) {
    const c10::intrusive_ptr<torch::CustomClassHolder> holder = context->saved_data["part"].toCapsule();
    const at::Tensor x = context->get_saved_variables()[0].detach().set_requires_grad(context->needs_input_grad(0));
    const at::AutoGradMode with_gradients(true);
    const at::Tensor y = static_cast<PartHolder&>(*holder).part(x);
    torch::autograd::backward({y}, {gradients[0]});
    return {x.grad(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor checkpointed(const at::Tensor& x, Part part) {
  return Checkpointed::apply(x, at::empty({0}).set_requires_grad(true),
                             c10::intrusive_ptr<torch::CustomClassHolder>(c10::make_intrusive<PartHolder>(std::move(part))));
}

}  // namespace beholder::vlm
