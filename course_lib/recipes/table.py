"""Every model of the lessons, by the name that `course train` takes."""

from course_lib.errors import CourseError
from course_lib.recipes import diffusion, gans, latent, translation, vaes
from course_lib.recipes.recipe import Recipe
from course_lib.recipes.worlds import World

RECIPES = (
    Recipe("vae", "01_vae", "variational autoencoder", vaes.build_vae),
    Recipe("cvae", "01_vae", "VAE that is told what to draw", vaes.build_cvae),
    Recipe("gan", "02_gan", "GAN of linear layers, non-saturating loss", gans.build_gan),
    Recipe("lsgan", "02_gan", "the same with the least-squares loss", gans.build_lsgan),
    Recipe("wgan-gp", "02_gan", "the same as a Wasserstein GAN with gradient penalty", gans.build_wgan),
    Recipe("dcgan", "03_dcgan", "convolutional GAN", gans.build_dcgan),
    Recipe("cgan", "04_cgan", "convolutional GAN that is told what to draw", gans.build_cgan),
    Recipe("vae-gan", "04_cgan", "VAE that compares what a discriminator sees", gans.build_vaegan),
    Recipe(
        "cyclegan",
        "05_cyclegan",
        "night to day, learnt without pairs",
        translation.build_cyclegan,
        worlds=("faces",),
    ),
    Recipe(
        "pix2pix",
        "05_cyclegan",
        "night to day, learnt from pairs",
        translation.build_pix2pix,
        worlds=("faces",),
    ),
    Recipe("ddpm", "06_ddpm", "denoising diffusion, sampled in 20 steps", diffusion.build_ddpm),
    Recipe(
        "latent",
        "07_latent",
        "diffusion of a trained autoencoder's codes, told by captions",
        latent.build_latent,
    ),
)


def find_recipe(name: str) -> Recipe:
    for recipe in RECIPES:
        if recipe.name == name:
            return recipe
    raise CourseError(f"There is no model {name!r}: choose from {', '.join(r.name for r in RECIPES)}.")


def recipe_for(name: str, world: World) -> Recipe:
    """The recipe of that name, if it can be trained in that world."""
    recipe = find_recipe(name)
    if world.name not in recipe.worlds:
        raise CourseError(
            f"{recipe.name} cannot be trained on {world.name}: use --data {' or '.join(recipe.worlds)}."
        )
    return recipe
