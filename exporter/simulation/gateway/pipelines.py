"""The nine pipelines that a gateway serves: capability, default model, shape of the answer."""

from enum import Enum, auto
from typing import Final, NamedTuple


class Answer(Enum):
    """What a pipeline answers with."""

    IMAGES = auto()
    AUDIO = auto()
    TEXT = auto()
    LANGUAGE = auto()


class Pipeline(NamedTuple):
    """One pipeline; `fields` are what the gateway knows of a request, whole numbers starred.

    `function`, `line` and `handler` are how a crash of it looks in the log.
    """

    name: str
    capability: int
    display: str
    default_model: str
    answer: Answer
    fields: str
    multipart: bool = False
    file: str = ""
    prompt_logged: bool = False
    function: str = ""
    line: int = 0
    caller_line: int = 0
    handler: int = 0

    @property
    def path(self) -> str:
        """Its path on the gateway and on the orchestrator."""
        return "/" + self.name

    @property
    def model_field(self) -> str:
        """The field that names the model."""
        return "model" if self.answer is Answer.LANGUAGE else "model_id"


_PICTURE: Final = "guidance_scale loras model_id negative_prompt num_inference_steps* prompt seed*"

PIPELINES: Final = (
    Pipeline(
        "text-to-image",
        27,
        "Text to image",
        "stabilityai/sdxl-turbo",
        Answer.IMAGES,
        f"{_PICTURE} height* width* num_images_per_prompt* safety_check",
        prompt_logged=True,
        function="processTextToImage",
        line=168,
        caller_line=158,
        handler=2,
    ),
    Pipeline(
        "image-to-image",
        28,
        "Image to image",
        "stabilityai/sdxl-turbo",
        Answer.IMAGES,
        f"{_PICTURE} image image_guidance_scale num_images_per_prompt* safety_check strength",
        multipart=True,
        file="image",
        prompt_logged=True,
        function="processImageToImage",
        line=312,
        caller_line=302,
        handler=3,
    ),
    Pipeline(
        "image-to-video",
        29,
        "Image to video",
        "stabilityai/stable-video-diffusion-img2vid-xt",
        Answer.IMAGES,
        "fps* height* image model_id motion_bucket_id* noise_aug_strength num_inference_steps* "
        "safety_check seed* width*",
        multipart=True,
        file="image",
        function="processImageToVideo",
        line=459,
        caller_line=447,
        handler=5,
    ),
    Pipeline(
        "upscale",
        30,
        "Upscale",
        "stabilityai/stable-diffusion-x4-upscaler",
        Answer.IMAGES,
        "image model_id num_inference_steps* prompt safety_check seed*",
        multipart=True,
        file="image",
        prompt_logged=True,
        function="processUpscale",
        line=578,
        caller_line=568,
        handler=4,
    ),
    Pipeline(
        "audio-to-text",
        31,
        "Audio to text",
        "openai/whisper-large-v3",
        Answer.TEXT,
        "audio metadata model_id return_timestamps",
        multipart=True,
        file="audio",
        function="processAudioToText",
        line=949,
        caller_line=939,
        handler=7,
    ),
    Pipeline(
        "segment-anything-2",
        32,
        "Segment anything 2",
        "facebook/sam2-hiera-large",
        Answer.TEXT,
        "box image mask_input model_id multimask_output normalize_coords point_coords "
        "point_labels return_logits",
        multipart=True,
        file="image",
        function="processSegmentAnything2",
        line=719,
        caller_line=709,
        handler=9,
    ),
    Pipeline(
        "llm",
        33,
        "Llm",
        "meta-llama/llama-3.1-8B-Instruct",
        Answer.LANGUAGE,
        "max_tokens* messages model stream temperature top_k* top_p",
        function="processLLM",
        line=1132,
        caller_line=1132,
        handler=8,
    ),
    Pipeline(
        "image-to-text",
        34,
        "Image to text",
        "Salesforce/blip-image-captioning-large",
        Answer.TEXT,
        "image model_id prompt",
        multipart=True,
        file="image",
        function="processImageToText",
        line=1301,
        caller_line=1291,
        handler=10,
    ),
    Pipeline(
        "text-to-speech",
        36,
        "Text to speech",
        "parler-tts/parler-tts-large-v1",
        Answer.AUDIO,
        "description model_id text",
        function="processTextToSpeech",
        line=837,
        caller_line=827,
        handler=11,
    ),
)
BY_PATH: Final = {pipeline.path: pipeline for pipeline in PIPELINES}
BY_NAME: Final = {pipeline.name: pipeline for pipeline in PIPELINES}
