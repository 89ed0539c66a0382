"""transformers' Trainer with this package's loss, its look at the validation rows, its metrics and checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import nn
from torch.utils.data import DataLoader, Sampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ljwx_training import checkpoints
from ljwx_training.batches import Batch, Collator
from ljwx_training.errors import NotANumber, OutOfMemory, Stopped
from ljwx_training.metrics import Metrics, is_out_of_memory, memory_mb
from ljwx_training.objective import losses, weight_of
from ljwx_training.order import InGroups, neighbours
from ljwx_training.samples import Sample


class LoraTrainer(Trainer):
    """The loss of a step is a weighted mean over all its tokens, however they are spread over micro-batches and ranks.

    :param model: a base with its adapter.
    :param same_batches: in each epoch; otherwise samples that do not begin alike are mixed anew.
    """

    def __init__(
        self,
        model: PeftModel,
        arguments: TrainingArguments,
        collator: Collator,
        train: Sequence[Sample],
        validation: Sequence[Sample],
        metrics: Metrics,
        recipe: str,
        callbacks: Sequence[TrainerCallback] = (),
        *,
        same_batches: bool = False,
    ) -> None:
        self.sharded = bool(model.is_distributed_loading_by_transformers)
        arguments.save_only_model = self.sharded  # else it is refused: of optimizers that are sharded as well
        super().__init__(
            model=model,
            args=arguments,
            data_collator=collator,
            train_dataset=train,
            eval_dataset=validation,
            compute_loss_func=losses,  # says that the loss is scaled for accumulation here
            callbacks=[Reporter(metrics, recipe), *callbacks],
        )
        arguments.save_only_model = False  # the adapter and its optimizer are whole in each process
        self.remove_callback(PrinterCallback)
        self.collator = collator
        self.samples = train
        self.same_batches = same_batches
        self.validation = list(validation)
        self.metrics = metrics
        self.tokens = 0
        self.short = False

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:
        """Draw samples that begin alike together, where there are such."""
        groups = neighbours(self.samples)
        if len(groups) == len(self.samples) and not self.same_batches:
            usual: Sampler[int] | None = super()._get_train_sampler(train_dataset)
            return usual
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        return InGroups(groups, self.args.per_device_train_batch_size, seed, same=self.same_batches)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the loader, whose order follows the epoch also after a break in the middle of one.

        accelerate 1.15 and transformers 5.24 tell a sampler its epoch through the loader's own wrappers, and not
        through the two that lie around it where several processes go on.
        """
        loader: DataLoader[Any] = super().get_train_dataloader()
        drawn: Any = loader.batch_sampler
        sampler = getattr(getattr(drawn, "batch_sampler", None), "sampler", None)
        if isinstance(sampler, InGroups):
            drawn.set_epoch = sampler.set_epoch
        return loader

    def get_batch_samples(
        self, epoch_iterator: Iterator[Batch], num_batches: int, device: torch.device
    ) -> tuple[list[Batch], torch.Tensor]:
        """Return a step's micro-batches and the sum of their weights over all ranks."""
        batches = [batch for _, batch in zip(range(num_batches), epoch_iterator, strict=False)]
        if not batches:
            return batches, torch.ones((), device=device)
        weight = torch.stack([weight_of(batch).to(device) for batch in batches]).sum()
        total: torch.Tensor = self.accelerator.gather(weight).sum()
        return batches, total

    def compute_loss(
        self, model: nn.Module, inputs: Batch, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Return this micro-batch's share of the step's loss; ranks are averaged, hence their number."""
        found = losses(model, inputs)
        self.tokens += int(inputs["count"])
        weight = found.weight if num_items_in_batch is None else num_items_in_batch
        share: torch.Tensor = found.weighted * (self.accelerator.num_processes / weight)
        return share

    def training_step(self, model: nn.Module, inputs: Batch, num_items_in_batch: Any = None) -> torch.Tensor:
        """Compute a micro-batch; of several processes, none goes on when memory has run out in one.

        Gradients are exchanged here, once a step, and not by the model as they come: a process that cannot compute its
        own would leave the others waiting for ever. Where they share the base, transformers exchanges them.
        """
        if self.accelerator.num_processes == 1:
            return super().training_step(model, inputs, num_items_in_batch)
        if self.sharded:
            with self.memory_watched():
                return super().training_step(model, inputs, num_items_in_batch)
        loss = torch.zeros((), device=self.args.device)
        if not self.short:
            with self.memory_watched(), self.accelerator.no_sync(model):
                loss = super().training_step(model, inputs, num_items_in_batch)
        if self.accelerator.sync_gradients:
            self.agree_on_memory()
            self.average_gradients(model)
        return loss

    @contextmanager
    def memory_watched(self) -> Iterator[None]:
        """Note that memory ran out, if several processes have to agree on it; alone it is an error at once.

        :raises OutOfMemory: the processes share the base: the others wait for this one's part and cannot be told.
        """
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if self.accelerator.num_processes == 1 or not is_out_of_memory(error):
                raise
            if self.sharded:
                raise OutOfMemory("a process that shares the base ran out of memory: lower micro_batch") from error
            self.short = True

    def agree_on_memory(self) -> None:
        """Tell each other whether memory has run out.

        :raises torch.OutOfMemoryError: it has, in any of the processes.
        """
        if self.accelerator.num_processes == 1:
            return
        short: torch.Tensor = self.accelerator.reduce(torch.tensor(float(self.short), device=self.args.device), "sum")
        self.short = False
        if short.item():
            raise torch.OutOfMemoryError("out of memory in one of several processes")

    def average_gradients(self, model: nn.Module) -> None:
        """Give every process the mean of all gradients: the adapter's, which are few."""
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        joined = torch.cat([gradient.reshape(-1) for gradient in gradients])
        mean: torch.Tensor = self.accelerator.reduce(joined, "mean")
        for gradient, part in zip(gradients, torch.split(mean, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Look at the validation rows: answer loss, and the log score of the true class among the classes."""
        self.model_wrapped.eval()
        began = time.monotonic()
        sums = torch.zeros(6, dtype=torch.float64)
        with torch.no_grad(), self.compute_loss_context_manager():
            for batch, counts in self._validation():
                with self.memory_watched():
                    found = losses(self.model_wrapped, batch)
                    if counts:
                        figures = (found.weighted, found.weight, found.answer, found.answer_tokens)
                        sums += torch.tensor([float(x) for x in (*figures, found.log_score, found.scored)])
        self.agree_on_memory()
        self.model_wrapped.train()
        sums = self.accelerator.reduce(sums.to(self.args.device, torch.float32), "sum").double()
        weighted, weight, answer, tokens, score, scored = sums.tolist()
        result = {"eval_loss": weighted / weight, "eval_answer_loss": answer / max(tokens, 1)}
        if scored:
            result["eval_class_log_score"] = score / scored
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, result)
        if self.is_world_process_zero():
            named = {name.removeprefix("eval_"): value for name, value in result.items()}
            self.metrics.add("validation", self.state.global_step, **named, seconds=round(time.monotonic() - began, 3))
        return result

    def _validation(self) -> Iterator[tuple[Batch, bool]]:
        """This rank's batches; every rank gets as many, the last of some only to keep step, not counted."""
        samples, rank, ranks = self.validation, self.accelerator.process_index, self.accelerator.num_processes
        size = self.args.per_device_eval_batch_size
        mine = samples[rank::ranks]
        for at in range(0, math.ceil(len(samples) / ranks), size):
            batch = mine[at : at + size]
            tensors = self.collator(batch or samples[:1])
            yield {name: tensor.to(self.args.device) for name, tensor in tensors.items()}, bool(batch)


class Reporter(TrainerCallback):
    """Writes a line for each step and seals each checkpoint."""

    def __init__(self, metrics: Metrics, recipe: str) -> None:
        self.metrics = metrics
        self.recipe = recipe
        self.began = time.monotonic()
        self.trainer: LoraTrainer | None = None

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Start the step's clock."""
        self.began = time.monotonic()

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any
    ) -> None:
        """Write the step's line.

        :raises NotANumber: loss or gradient is not finite.
        """
        if not logs or "loss" not in logs or self.trainer is None:
            return
        seconds = time.monotonic() - self.began
        tokens, self.trainer.tokens = self.trainer.tokens, 0
        wrong = [name for name in ("loss", "grad_norm") if not math.isfinite(logs.get(name, 0.0))]
        if wrong:
            raise NotANumber(f"step {state.global_step}: {wrong[0]} is {logs[wrong[0]]}; lower the learning rate")
        if state.is_world_process_zero:
            self.metrics.add(
                "step",
                state.global_step,
                of=state.max_steps,
                loss=logs["loss"],
                learning_rate=logs.get("learning_rate"),
                grad_norm=logs.get("grad_norm"),
                tokens_per_s=round(tokens * args.world_size / seconds, 1),
                seconds=round(seconds, 4),
                memory_mb=round(memory_mb(), 1),
            )

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Look whether somebody wants the training to end; what a checkpoint holds is not lost.

        :raises Stopped: a file ``stop`` is in the job's folder.
        """
        if (self.metrics.path.parent / "stop").exists():
            raise Stopped(f"told to stop after step {state.global_step}, by the file {self.metrics.path.parent}/stop")

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Seal the checkpoint that was just written, once each process has written its part of it."""
        if args.world_size > 1:
            torch.distributed.barrier()
        if state.is_world_process_zero:
            checkpoints.seal(Path(str(args.output_dir)) / f"checkpoint-{state.global_step}", self.recipe)
